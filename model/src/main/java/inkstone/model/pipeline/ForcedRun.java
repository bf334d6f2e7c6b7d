package inkstone.model.pipeline;

import inkstone.memory.TensorArena;
import inkstone.model.dit.LatentGrid;
import inkstone.model.schedule.FlowMatchEuler;
import inkstone.model.schedule.Schedule;
import inkstone.ops.Compute;
import inkstone.ops.Guidance;
import inkstone.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/**
 * The run without reuse, and beside it the policy's passes at the same latents: what the policy
 * adds in each step, apart from what earlier steps did to the latents.
 */
final class ForcedRun {
  private final Compute compute;
  private final Denoiser denoiser;
  private final Run run;
  private final Sampling sampling;
  private final EditPipeline.Inputs in;
  private final Schedule schedule;
  private final List<Double> velocityErrors = new ArrayList<>();
  private final List<List<String>> plans = new ArrayList<>();
  private final List<List<Double>> branchErrors = new ArrayList<>();
  private final List<DriftReport.Branch> branches = new ArrayList<>();

  /** {@code [steps, T, 4·channels]}: the target's latents after each step without reuse. */
  final Tensor latents;

  ForcedRun(
      Compute compute, Denoiser denoiser, Run run, Sampling sampling, EditPipeline.Inputs in) {
    this.compute = compute;
    this.denoiser = denoiser;
    this.run = run;
    this.sampling = sampling;
    this.in = in;
    LatentGrid target = in.grids().getFirst();
    schedule = denoiser.schedule(sampling, Math.toIntExact(target.tokens()));
    latents =
        Tensor.f32(
            run.arena, "off_latents", schedule.steps(), target.tokens(), in.imageTokens().dim(1));
    for (int branch = 0; branch < in.embeds().branches().size(); branch++) {
      plans.add(new ArrayList<>());
      branchErrors.add(new ArrayList<>());
    }
  }

  /** Runs all steps; the target's rows of the image tokens end as the last latents. */
  void run() {
    LatentGrid target = in.grids().getFirst();
    Tensor current = in.imageTokens().rows(0, target.tokens()); // [T, 4·channels]
    denoiser.drawNoise(sampling.seed(), current, target);
    int count = in.embeds().branches().size();
    try (TensorArena arena = run.arena.child("state");
        ReferenceReuse policy = passes(arena, in.choice());
        ReferenceReuse off = passes(arena, ReuseChoice.off())) {
      KeyValueDrift drift =
          new KeyValueDrift(
              compute, arena, denoiser.config(), in.choice(), in.grids(), schedule.steps(), count);
      Tensor policyVelocity = Tensor.f32(arena, "policy", current.dim(0), current.dim(1));
      Tensor velocity = Tensor.f32(arena, "off", current.dim(0), current.dim(1));
      for (int i = 0; i < schedule.steps(); i++) {
        for (int branch = 0; branch < count; branch++) {
          Tensor actual = policyPass(policy, drift, branch, i);
          Tensor expected = offPass(off, policy, drift, branch, i);
          branchErrors.get(branch).add(velocityError(actual, expected, i));
          guide(policyVelocity, actual, branch);
          guide(velocity, expected, branch);
        }
        velocityErrors.add(velocityError(policyVelocity, velocity, i));
        FlowMatchEuler.step(compute, current, velocity, schedule.dt(i));
        after(i).copyFrom(current);
        float sigma = schedule.sigma(i + 1);
        run.listener.step(
            i + 1,
            schedule.steps(),
            sigma,
            denoiser.preview(run, current, velocity, target, sigma, in.tilings().decode()));
      }
      for (int branch = 0; branch < count; branch++) {
        branches.add(
            new DriftReport.Branch(
                branch == 0 ? "prompt" : "negative_prompt",
                plans.get(branch),
                branchErrors.get(branch),
                drift.key(branch),
                drift.value(branch)));
      }
    }
  }

  private ReferenceReuse passes(TensorArena arena, ReuseChoice choice) {
    return denoiser.reuse(
        run, arena, choice, in.grids(), in.imageTokens(), in.embeds(), schedule.sigmas(), null);
  }

  private Tensor policyPass(ReferenceReuse policy, KeyValueDrift drift, int branch, int step) {
    CacheStats before = policy.stats();
    Tensor velocity =
        policy.forward(
            branch, step, schedule.modelTimestep(step), run.watchedBy(drift.policyTaps()));
    CacheStats after = policy.stats();
    plans
        .get(branch)
        .add(
            after.cachedSteps() > before.cachedSteps()
                ? "cached"
                : after.partialSteps() > before.partialSteps() ? "partial" : "full");
    return velocity;
  }

  private Tensor offPass(
      ReferenceReuse off, ReferenceReuse policy, KeyValueDrift drift, int branch, int step) {
    return off.forward(
        branch,
        step,
        schedule.modelTimestep(step),
        run.watchedBy(drift.offTaps(branch, step, policy.caches(branch))));
  }

  private double velocityError(Tensor actual, Tensor expected, int step) {
    return RelativeError.of(compute, actual, expected, "velocity of step " + (step + 1));
  }

  /** The first branch is taken as it is, the second guides it. */
  private void guide(Tensor velocity, Tensor fresh, int branch) {
    if (branch == 0) {
      velocity.copyFrom(fresh);
    } else {
      Guidance.trueCfg(compute, velocity, fresh, (float) sampling.cfgScale());
    }
  }

  /** Latents {@code [T, 4·channels]} after a step, 0 for the first. */
  Tensor after(int step) {
    return latents.rows(step, step + 1).view(latents.dim(1), latents.dim(2));
  }

  int steps() {
    return schedule.steps();
  }

  /** The steps of a report, given the errors of the policy's own run. */
  List<DriftReport.Step> steps(List<Double> latentErrors) {
    List<DriftReport.Step> steps = new ArrayList<>();
    for (int i = 0; i < schedule.steps(); i++) {
      steps.add(
          new DriftReport.Step(schedule.sigma(i), velocityErrors.get(i), latentErrors.get(i)));
    }
    return steps;
  }

  List<DriftReport.Branch> branches() {
    return branches;
  }
}
