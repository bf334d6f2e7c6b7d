package inkstone.model.pipeline;

import inkstone.loader.config.TransformerConfig;
import inkstone.memory.TensorArena;
import inkstone.model.debug.Taps;
import inkstone.model.dit.LatentGrid;
import inkstone.model.dit.RandomTransformer;
import inkstone.model.kv.KvDtype;
import inkstone.model.kv.KvPolicy;
import inkstone.tensor.Tensor;
import inkstone.tensor.TensorAssert;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** The pipeline's passes over a random transformer, without its other parts. */
final class ReuseRig implements AutoCloseable {
  /**
   * @param seed of prompts, noise and references; equal sizes of another seed differ in all values
   * @param images grid of the target, then of the references
   */
  record Request(
      int seed,
      int steps,
      boolean guided,
      KvPolicy policy,
      KvDtype dtype,
      List<LatentGrid> images) {
    static Request of(int seed, int steps, KvPolicy policy, LatentGrid... images) {
      return new Request(seed, steps, false, policy, KvDtype.F32, List.of(images));
    }

    Request with(KvPolicy other) {
      return new Request(seed, steps, guided, other, dtype, images);
    }

    Request with(KvDtype other) {
      return new Request(seed, steps, guided, policy, other, images);
    }

    Request withGuidance() {
      return new Request(seed, steps, true, policy, dtype, images);
    }
  }

  final RandomTransformer model;
  final ReferenceBank bank = new ReferenceBank(1 << 20);

  ReuseRig(Path folder, TransformerConfig config, int threads) throws IOException {
    model = new RandomTransformer(folder, config, threads);
  }

  /** Bytes of everything that is not a piece of scratch. */
  long bytes() {
    return model.arena.allocatedBytes() + bank.bytes();
  }

  Passes open(Request request) {
    return new Passes(request);
  }

  /** Velocities of all steps, then the latents. */
  List<float[]> run(Request request) {
    try (Passes passes = open(request)) {
      return passes.run();
    } finally {
      bank.settle();
    }
  }

  CacheStats stats(Request request) {
    try (Passes passes = open(request)) {
      passes.run();
      return passes.reuse.stats();
    } finally {
      bank.settle();
    }
  }

  static void assertBits(String what, List<float[]> expected, List<float[]> actual) {
    if (expected.size() != actual.size()) {
      throw new AssertionError(what + ": " + expected.size() + " values, got " + actual.size());
    }
    for (int i = 0; i < expected.size(); i++) {
      TensorAssert.assertBits(what + ", value " + i, expected.get(i), actual.get(i));
    }
  }

  @Override
  public void close() {
    bank.close();
    model.close();
  }

  /** One request under way. */
  final class Passes implements AutoCloseable {
    private static final float GUIDANCE = 3;

    final TensorArena arena = model.arena.child("passes");
    final Request request;
    final ReferenceReuse reuse;
    Taps taps = Taps.NONE;
    private final float[] sigmas;
    private final Tensor latents;
    private final List<float[]> seen = new ArrayList<>();

    Passes(Request request) {
      this.request = request;
      sigmas = new float[request.steps() + 1];
      for (int i = 0; i < request.steps(); i++) {
        sigmas[i] = 1 - (float) i / request.steps();
      }
      TransformerConfig config = model.transformer.config();
      long tokens = request.images().stream().mapToLong(LatentGrid::tokens).sum();
      int seed = 31 * request.seed();
      Tensor imageTokens =
          RandomTransformer.random(arena, seed, "imageTokens", tokens, config.inChannels());
      latents = imageTokens.rows(0, request.images().getFirst().tokens());
      List<Tensor> prompts = new ArrayList<>();
      for (int i = 0; i < (request.guided() ? 2 : 1); i++) {
        prompts.add(
            RandomTransformer.random(
                arena, seed + 1 + i, "prompt", 6 + 3 * i, config.jointAttentionDim()));
      }
      boolean memo = !(request.policy() instanceof KvPolicy.Off);
      reuse =
          new ReferenceReuse(
              model.compute,
              model.transformer,
              "weights",
              arena,
              new ReuseChoice(request.policy(), request.dtype(), memo, 0),
              request.images(),
              imageTokens,
              prompts,
              sigmas,
              bank);
    }

    void step(int step) {
      float[] velocity = reuse.forward(0, step, sigmas[step], taps).toFloatArray();
      if (request.guided()) {
        float[] negative = reuse.forward(1, step, sigmas[step], taps).toFloatArray();
        for (int i = 0; i < velocity.length; i++) {
          velocity[i] = negative[i] + GUIDANCE * (velocity[i] - negative[i]);
        }
      }
      seen.add(velocity);
      float[] next = latents.toFloatArray();
      for (int i = 0; i < next.length; i++) {
        next[i] += (sigmas[step + 1] - sigmas[step]) * velocity[i];
      }
      latents.copyFrom(next);
    }

    List<float[]> run() {
      for (int step = seen.size(); step < request.steps(); step++) {
        step(step);
      }
      List<float[]> all = new ArrayList<>(seen);
      all.add(latents.toFloatArray());
      return all;
    }

    @Override
    public void close() {
      reuse.close();
      arena.close();
    }
  }
}
