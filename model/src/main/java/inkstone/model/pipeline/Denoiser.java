package inkstone.model.pipeline;

import inkstone.loader.config.SchedulerConfig;
import inkstone.loader.config.TransformerConfig;
import inkstone.memory.TensorArena;
import inkstone.model.debug.Taps;
import inkstone.model.dit.LatentGrid;
import inkstone.model.dit.QwenImageTransformer;
import inkstone.model.image.Image;
import inkstone.model.image.Patchify;
import inkstone.model.lora.LoraSet;
import inkstone.model.schedule.FlowMatchEuler;
import inkstone.model.schedule.NoiseSource;
import inkstone.model.schedule.Schedule;
import inkstone.model.vae.Tiling;
import inkstone.ops.Compute;
import inkstone.ops.Elementwise;
import inkstone.ops.Guidance;
import inkstone.tensor.Tensor;
import java.util.Collections;
import java.util.List;

/** The denoising loop, the same for words alone and for references. */
final class Denoiser {
  private final Compute compute;
  private final Part<QwenImageTransformer> transformer;
  private final TransformerConfig config;
  private final LoraSet loras;
  private final Part<VaeNetworks> vae;
  private final String weights;
  private final SchedulerConfig scheduler;
  private final LatentCodec codec;
  private final LatentPreview preview;
  private final ReferenceBank bank;
  private final MemoryCheck memory;

  /**
   * @param bank where keys and values of references outlive a run, where that is exact
   */
  Denoiser(Compute compute, Components model, ReferenceBank bank) {
    this.compute = compute;
    this.transformer = model.transformer;
    this.config = model.transformerConfig;
    this.loras = model.loras;
    this.vae = model.vae;
    this.weights = model.transformerDigest;
    this.scheduler = model.scheduler;
    this.codec = model.codec;
    this.preview = new LatentPreview(codec);
    this.bank = bank;
    this.memory = model.memory;
  }

  /** What the machine can still give. */
  MemoryCheck memory() {
    return memory;
  }

  TransformerConfig config() {
    return config;
  }

  /**
   * Room for the tokens of all images, target first: [tokens, 4·channels]. The reference rows are
   * the caller's to fill; {@link #denoise} fills and changes the target rows only.
   */
  Tensor imageTokens(TensorArena arena, List<LatentGrid> grids) {
    long tokens = grids.stream().mapToLong(LatentGrid::tokens).sum();
    return Tensor.f32(arena, "image_tokens", tokens, 4L * codec.channels());
  }

  /** Bytes of {@link #imageTokens}; of the target's grid alone, those of the velocity. */
  long imageTokenBytes(List<LatentGrid> grids) {
    long tokens = grids.stream().mapToLong(LatentGrid::tokens).sum();
    return tokens * 4 * codec.channels() * Float.BYTES;
  }

  /** Bytes that {@link #denoise} will allocate for one branch. */
  long stateBytes(int textTokens, List<LatentGrid> grids) {
    return QwenImageTransformer.stateBytes(config, loras.needs(), textTokens, grids);
  }

  /** Bytes of the workers' scratch while {@link #denoise} runs. */
  long scratchBytes(List<Integer> textTokens, List<LatentGrid> grids) {
    return QwenImageTransformer.scratchBytes(compute, config, Collections.max(textTokens), grids);
  }

  /** Gives up keys and values of earlier runs when memory is missing. */
  void makeRoom(long missingBytes) {
    if (missingBytes > 0) {
      bank.clear();
    }
  }

  /** Bytes that a memo of exact things will allocate. */
  long memoBytes(List<Integer> textTokens, List<LatentGrid> grids) {
    return QwenImageTransformer.memoBytes(config, textTokens, grids);
  }

  /**
   * Turns noise into the target's latents.
   *
   * @param taps what the passes show themselves to
   * @param imageTokens from {@link #imageTokens}, references filled in
   * @param embeds what the branches attend to
   * @param choice what the steps reuse
   * @param previewTiling how a listener's full-size previews are decoded
   * @return the target's rows of {@code imageTokens}
   */
  Tensor denoise(
      Run run,
      Taps taps,
      Sampling sampling,
      List<LatentGrid> grids,
      Tensor imageTokens,
      PromptEmbeds embeds,
      ReuseChoice choice,
      Tiling previewTiling) {
    LatentGrid target = grids.getFirst();
    int targetTokens = Math.toIntExact(target.tokens());
    Tensor latents = imageTokens.rows(0, targetTokens).named("latents"); // [T, 4·channels]

    // 1. Noise, drawn as torch draws it
    drawNoise(sampling.seed(), latents, target);
    taps.tap("noise", latents);

    // 2. Sigmas
    Schedule schedule = schedule(sampling, targetTokens);
    int steps = schedule.steps();
    if (run.tapped) {
      TapValues.floats(run.arena, taps, "sigmas", schedule.sigmas());
      TapValues.floats(run.arena, taps, "timesteps", schedule.timesteps());
    }

    // 3. One state a branch, since the two prompts differ in length; gone before the VAE decodes
    try (TensorArena arena = run.arena.child("state");
        ReferenceReuse passes =
            reuse(run, arena, choice, grids, imageTokens, embeds, schedule.sigmas(), bank)) {
      Tensor velocity = Tensor.f32(arena, "noise_pred", targetTokens, latents.dim(1));

      // 4. Denoise
      for (int i = 0; i < steps; i++) {
        float timestep = schedule.modelTimestep(i);
        velocity.copyFrom(passes.forward(0, i, timestep, taps));
        taps.tap("noise_pred", velocity);
        if (embeds.negative() != null) {
          Tensor negativeVelocity = passes.forward(1, i, timestep, taps);
          taps.tap("negative_noise_pred", negativeVelocity);
          Guidance.trueCfg(compute, velocity, negativeVelocity, (float) sampling.cfgScale());
          taps.tap("combined_noise_pred", velocity);
        }
        FlowMatchEuler.step(compute, latents, velocity, schedule.dt(i));
        taps.tap("latents", latents);
        float sigma = schedule.sigma(i + 1);
        run.listener.step(
            i + 1, steps, sigma, preview(run, latents, velocity, target, sigma, previewTiling));
      }
      run.cacheStats = passes.stats();
    } finally {
      bank.settle();
    }
    return latents;
  }

  /**
   * The forward passes of a run: the prompt is branch 0, the negative prompt branch 1.
   *
   * @param reused where causal keys and values may come from, or null
   */
  ReferenceReuse reuse(
      Run run,
      TensorArena arena,
      ReuseChoice choice,
      List<LatentGrid> grids,
      Tensor imageTokens,
      PromptEmbeds embeds,
      float[] sigmas,
      ReferenceBank reused) {
    return new ReferenceReuse(
        compute,
        run.hold(transformer),
        weights,
        arena,
        choice,
        grids,
        imageTokens,
        embeds.branches(),
        sigmas,
        reused);
  }

  /** Noise levels of a target of so many tokens. */
  Schedule schedule(Sampling sampling, int targetTokens) {
    float[] sigmas = new float[sampling.sigmas().size()];
    for (int i = 0; i < sigmas.length; i++) {
      sigmas[i] = sampling.sigmas().get(i);
    }
    SchedulerConfig config =
        switch (sampling.flowShift()) {
          case FlowShift.Auto() -> scheduler;
          case FlowShift.Static(double shift) -> scheduler.withStaticShift(shift);
        };
    return sigmas.length == 0
        ? FlowMatchEuler.schedule(config, sampling.steps(), targetTokens)
        : FlowMatchEuler.schedule(config, sigmas, targetTokens);
  }

  /** Fills the target's rows with the noise that torch draws. */
  void drawNoise(long seed, Tensor latents, LatentGrid target) {
    int height = 2 * target.height();
    int width = 2 * target.width();
    float[] planar = new float[Math.multiplyExact(codec.channels(), height * width)];
    NoiseSource.torch(seed).normal(planar); // [C, h, w]
    Patchify.packPlanar(latents, planar, codec.channels(), height, width);
  }

  /** What the picture will look like, from the latents and the velocity of a step's end. */
  Preview preview(
      Run run, Tensor latents, Tensor velocity, LatentGrid target, float sigma, Tiling tiling) {
    return new StepPreview(run, latents, velocity, target, sigma, tiling);
  }

  /** Predicts the clean latents from where the step ended: x₀ = x − σ·v. */
  private final class StepPreview implements Preview {
    private final Run run;
    private final Tensor latents;
    private final Tensor velocity;
    private final int width;
    private final int height;
    private final float sigma;
    private final Tiling tiling;

    StepPreview(
        Run run, Tensor latents, Tensor velocity, LatentGrid target, float sigma, Tiling tiling) {
      this.run = run;
      this.latents = latents;
      this.velocity = velocity;
      this.width = target.width() * codec.pixelsPerToken;
      this.height = target.height() * codec.pixelsPerToken;
      this.sigma = sigma;
      this.tiling = tiling;
    }

    @Override
    public Image projected() {
      run.hold(vae); // for the next step's too
      try (TensorArena scratch = run.arena.child("preview")) {
        return preview.project(scratch, clean(scratch), width, height, run.stopOnly());
      }
    }

    @Override
    public Image decoded() {
      run.hold(vae);
      try (TensorArena scratch = run.arena.child("preview")) {
        return codec.decode(scratch, clean(scratch), width, height, tiling, run.stopOnly());
      }
    }

    private Tensor clean(TensorArena scratch) {
      Tensor clean = Tensor.f32(scratch, "clean", latents.dim(0), latents.dim(1));
      clean.copyFrom(latents);
      Elementwise.addScaled(compute, clean, velocity, -sigma);
      return clean;
    }
  }
}
