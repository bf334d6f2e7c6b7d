package inkstone.model.pipeline;

import inkstone.memory.TensorArena;
import inkstone.model.debug.Taps;
import inkstone.model.drift.EditedRegion;
import inkstone.model.drift.PictureErrors;
import inkstone.model.image.Image;
import inkstone.model.image.Resize;
import inkstone.ops.Compute;
import inkstone.ops.Narrow;
import inkstone.ops.Widen;
import inkstone.tensor.DType;
import inkstone.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/** What a policy of reuse costs in quality: four runs of one edit, and what lies between them. */
final class DriftPipeline {
  private final Compute compute;
  private final Components model;
  private final Denoiser denoiser;
  private final EditPipeline edit;

  DriftPipeline(Compute compute, Components model, Denoiser denoiser, EditPipeline edit) {
    this.compute = compute;
    this.model = model;
    this.denoiser = denoiser;
    this.edit = edit;
  }

  /**
   * @param request with the policy under test
   */
  DriftReport run(Run run, EditRequest request) {
    Sampling sampling = request.sampling();
    int steps = sampling.sigmas().isEmpty() ? sampling.steps() : sampling.sigmas().size();
    EditPipeline.Inputs in =
        edit.prepare(run, request, new DriftBudget(run, denoiser, model.cache, steps));

    // 1. Without reuse, and beside it the policy at the same latents
    run.stage(Stage.DENOISE);
    ForcedRun forced = new ForcedRun(compute, denoiser, run, sampling, in);
    forced.run();
    run.stage(Stage.DECODE);
    Image off = edit.decode(run, in, forced.after(steps - 1));
    Image source = Resize.lanczos(request.references().getFirst(), off.width(), off.height());
    EditedRegion region = EditedRegion.of(source, off);
    Pictures pictures = new Pictures(run, forced, off, region);

    // 2. The policy alone
    List<Double> latentErrors = new ArrayList<>();
    DriftReport.Picture policy =
        pictures.picture(in, sampling, in.choice(), steps, watching(latentErrors, forced));
    CacheStats cache = run.cacheStats;

    // 3. Yardsticks: rounded inputs, and as many steps as the policy's operations pay for
    DriftReport.Picture rounded;
    try (TensorArena arena = run.arena.child("rounded")) {
      rounded = pictures.picture(rounded(arena, in), sampling, ReuseChoice.off(), steps, Taps.NONE);
    }
    int fewer = FewerSteps.count(steps, cache.flop() / cache.flopOff());
    DriftReport.Picture fewerSteps =
        pictures.picture(in, FewerSteps.of(sampling, fewer), ReuseChoice.off(), fewer, Taps.NONE);

    return new DriftReport(
        model.pipelineClass.name(),
        request.refCache(),
        cache,
        forced.steps(latentErrors),
        forced.branches(),
        policy,
        rounded,
        fewerSteps,
        source,
        off,
        region.share(),
        run.warnings,
        run.finish(),
        run.arena.peakBytes());
  }

  /** Adds the error of the latents after each step. */
  private Taps watching(List<Double> errors, ForcedRun forced) {
    return new Taps() {
      @Override
      public void tap(String key, Tensor value) {
        if (key.equals("latents")) {
          int step = errors.size();
          errors.add(
              RelativeError.of(
                  compute, value, forced.after(step), "latents after step " + (step + 1)));
        }
      }
    };
  }

  /** The same with references and text as a program would feed them that keeps them in BF16. */
  private EditPipeline.Inputs rounded(TensorArena arena, EditPipeline.Inputs in) {
    long target = in.grids().getFirst().tokens();
    Tensor tokens = denoiser.imageTokens(arena, in.grids());
    round(arena, tokens.rows(target, tokens.dim(0)), in.imageTokens().rows(target, tokens.dim(0)));
    List<Tensor> texts = new ArrayList<>();
    for (Tensor text : in.embeds().branches()) {
      Tensor copy = Tensor.f32(arena, text.name(), text.shape().toArray());
      round(arena, copy, text);
      texts.add(copy);
    }
    PromptEmbeds embeds =
        new PromptEmbeds(texts.getFirst(), texts.size() > 1 ? texts.get(1) : null);
    return new EditPipeline.Inputs(
        in.size(), in.grids(), in.tilings(), embeds, ReuseChoice.off(), tokens);
  }

  private void round(TensorArena arena, Tensor out, Tensor exact) {
    Tensor narrow = Tensor.allocate(arena, exact.name(), DType.BF16, exact.shape());
    Narrow.forward(compute, narrow, exact);
    Widen.forward(compute, out, narrow);
  }

  /** Runs to the end, and compares what comes out. */
  private final class Pictures {
    private final Run run;
    private final ForcedRun forced;
    private final Image off;
    private final EditedRegion region;

    Pictures(Run run, ForcedRun forced, Image off, EditedRegion region) {
      this.run = run;
      this.forced = forced;
      this.off = off;
      this.region = region;
    }

    DriftReport.Picture picture(
        EditPipeline.Inputs in, Sampling sampling, ReuseChoice choice, int steps, Taps watcher) {
      run.stage(Stage.DENOISE);
      Tensor latents =
          denoiser.denoise(
              run,
              run.watchedBy(watcher),
              sampling,
              in.grids(),
              in.imageTokens(),
              in.embeds(),
              choice,
              in.tilings().decode());
      double latentError =
          RelativeError.of(compute, latents, forced.after(forced.steps() - 1), "last latents");
      run.stage(Stage.DECODE);
      Image image = edit.decode(run, in, latents);
      return new DriftReport.Picture(
          steps, run.cacheStats.flop(), latentError, image, PictureErrors.of(image, off, region));
    }
  }
}
