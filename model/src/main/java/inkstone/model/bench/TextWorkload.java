package inkstone.model.bench;

import inkstone.loader.CheckpointException;
import inkstone.loader.Weights;
import inkstone.loader.config.TextConfig;
import inkstone.loader.config.TextEncoderConfig;
import inkstone.loader.config.VisionConfig;
import inkstone.memory.TensorArena;
import inkstone.model.debug.Taps;
import inkstone.model.text.TextEncoder;
import inkstone.model.text.VisionTower;
import inkstone.ops.Compute;
import inkstone.tensor.Tensor;
import java.util.Collections;
import java.util.List;
import java.util.Map;

/** Layers of the text encoder's decoder, or of its vision tower, as the encoder runs them. */
final class TextWorkload implements Workload {
  /** A small vocabulary: looking up a row costs the same in any. */
  private static final int VOCABULARY = 1024;

  /** What one run does with its arena for the result. */
  @FunctionalInterface
  private interface Forward {
    Tensor run(TensorArena arena);
  }

  private final TensorArena arena = TensorArena.open("bench text");
  private final RandomWeights weights;
  private final Forward forward;
  private final double flop;
  private final double activationBytes;
  private TensorArena resultArena;
  private Tensor result;

  TextWorkload(Compute compute, BenchCase of) {
    boolean vision = of.work() == BenchWork.TEXT_VISION;
    TextEncoderConfig config = config(of, vision);
    Map<String, long[]> shapes =
        vision ? TextShapes.vision(config.vision()) : TextShapes.decoder(config.text());
    try {
      weights = RandomWeights.map(arena, shapes, of.dtype());
      forward =
          vision
              ? vision(compute, of.size("side"), config)
              : decoder(compute, of.size("tokens"), config);
    } catch (CheckpointException e) {
      arena.close();
      throw new IllegalStateException(
          "bench: random text encoder, expected one that can be built, got " + e.getMessage(), e);
    } catch (RuntimeException | Error e) {
      arena.close();
      throw e;
    }
    flop =
        vision
            ? TextFlop.vision(of.size("side"), of.size("side"), config.vision())
            : TextFlop.decoder(of.size("tokens"), config.text());
    double rows = vision ? (double) of.size("side") * of.size("side") : of.size("tokens");
    activationBytes = 8 * rows * of.size("hidden") * of.size("layers");
  }

  private static TextEncoderConfig config(BenchCase of, boolean vision) {
    TextConfig text = TextConfig.QWEN_IMAGE;
    VisionConfig tower = VisionConfig.QWEN_IMAGE;
    int layers = of.size("layers");
    if (vision) {
      tower =
          new VisionConfig(
              layers,
              of.size("hidden"),
              of.size("intermediate"),
              of.size("heads"),
              tower.inChannels(),
              tower.patchSize(),
              tower.temporalPatchSize(),
              tower.spatialMergeSize(),
              tower.windowSize(),
              tower.fullattBlockIndexes(),
              of.size("out"),
              tower.ropeTheta(),
              tower.tokensPerSecond());
    } else {
      int headDim = of.size("hidden") / of.size("heads");
      int side = headDim * 3 / 16;
      text =
          new TextConfig(
              VOCABULARY,
              of.size("hidden"),
              of.size("intermediate"),
              layers,
              of.size("heads"),
              of.size("kv_heads"),
              headDim,
              text.rmsNormEps(),
              text.ropeTheta(),
              List.of(headDim / 2 - 2 * side, side, side),
              text.maxPositionEmbeddings(),
              text.slidingWindow(),
              Collections.nCopies(layers, false));
    }
    TextEncoderConfig real = TextEncoderConfig.QWEN_IMAGE;
    return new TextEncoderConfig(
        text,
        tower,
        real.imageTokenId(),
        real.videoTokenId(),
        real.visionStartTokenId(),
        real.visionEndTokenId(),
        false);
  }

  private Forward decoder(Compute compute, int tokens, TextEncoderConfig config)
      throws CheckpointException {
    TextEncoder encoder = new TextEncoder(compute, config, Weights.of(weights));
    int[] ids = new int[tokens];
    for (int i = 0; i < tokens; i++) {
      ids[i] = i * 7 % VOCABULARY;
    }
    return into -> encoder.forward(into, ids, List.of(), Taps.NONE);
  }

  private Forward vision(Compute compute, int side, TextEncoderConfig config)
      throws CheckpointException {
    VisionTower tower = new VisionTower(compute, config, Weights.of(weights));
    VisionConfig vision = config.vision();
    long features =
        (long) vision.inChannels()
            * vision.temporalPatchSize()
            * vision.patchSize()
            * vision.patchSize();
    Tensor pixels =
        RandomValues.fill(Tensor.f32(arena, "pixels", (long) side * side, features), 1, 1);
    return into -> tower.forward(into, pixels, side, side, Taps.NONE);
  }

  @Override
  public double run() {
    if (resultArena != null) {
      resultArena.close();
    }
    resultArena = arena.child("result");
    return Workload.seconds(() -> result = forward.run(resultArena));
  }

  @Override
  public void check() {
    Results.requireFinite("hidden states", result);
  }

  @Override
  public double flop() {
    return flop;
  }

  @Override
  public double bytes() {
    return weights.bytes() + activationBytes;
  }

  @Override
  public long mappedBytes() {
    return weights.bytes();
  }

  @Override
  public void close() {
    arena.close();
  }
}
