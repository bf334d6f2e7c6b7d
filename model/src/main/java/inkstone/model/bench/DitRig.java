package inkstone.model.bench;

import inkstone.loader.CheckpointException;
import inkstone.loader.Weights;
import inkstone.loader.config.ReferenceMask;
import inkstone.loader.config.TransformerConfig;
import inkstone.memory.TensorArena;
import inkstone.model.debug.Taps;
import inkstone.model.dit.DitState;
import inkstone.model.dit.ExactMemo;
import inkstone.model.dit.LatentGrid;
import inkstone.model.dit.QwenImageTransformer;
import inkstone.model.dit.ReferencePass;
import inkstone.model.kv.PassCounter;
import inkstone.ops.Compute;
import inkstone.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/** A diffusion transformer over random weights, with its inputs and buffers. */
final class DitRig implements AutoCloseable {
  private static final float TIMESTEP = 0.7f;
  private static final int PIXELS_PER_TOKEN = 16;

  private final TensorArena arena = TensorArena.open("bench dit");
  private final TransformerConfig config;
  private final RandomWeights weights;
  private final QwenImageTransformer transformer;
  private final List<LatentGrid> images;
  private final DitState state;
  private final Tensor imageTokens;
  private final Tensor text;
  private Tensor velocity;

  /**
   * @param zeroCondT whether references are modulated as at t = 0
   * @param images the target's grid, then those of the references
   */
  DitRig(
      Compute compute, BenchCase of, boolean zeroCondT, int textTokens, List<LatentGrid> images) {
    this.images = List.copyOf(images);
    config = config(of, zeroCondT);
    try {
      weights = RandomWeights.map(arena, DitShapes.of(config), of.dtype());
      transformer = new QwenImageTransformer(compute, config, Weights.of(weights));
    } catch (CheckpointException e) {
      arena.close();
      throw new IllegalStateException(
          "bench: random transformer, expected one that can be built, got " + e.getMessage(), e);
    } catch (RuntimeException | Error e) {
      arena.close();
      throw e;
    }
    state = transformer.newState(arena, textTokens, images);
    imageTokens = random("imageTokens", state.imageTokens(), config.inChannels());
    text = random("text", textTokens, config.jointAttentionDim());
  }

  /** The sizes of the case, else Qwen-Image's; a third of a head for each axis, as there. */
  private static TransformerConfig config(BenchCase of, boolean zeroCondT) {
    int headDim = of.size("head_dim");
    int side = headDim * 7 / 16 / 2 * 2;
    TransformerConfig real = TransformerConfig.QWEN_IMAGE;
    return new TransformerConfig(
        real.patchSize(),
        real.inChannels(),
        real.outChannels(),
        of.size("layers"),
        headDim,
        of.size("heads"),
        of.size("text_dim"),
        false,
        List.of(headDim - 2 * side, side, side),
        zeroCondT,
        false,
        false,
        ReferenceMask.NONE);
  }

  /** Grids of a step: the target's, then as large ones of its references. */
  static List<LatentGrid> images(BenchCase of) {
    int side = of.size("size") / PIXELS_PER_TOKEN;
    if (side < 1) {
      throw new IllegalArgumentException(
          "bench step: size, expected 16 pixels or more, got " + of.size("size") + "; give more");
    }
    List<LatentGrid> images = new ArrayList<>();
    for (int image = 0; image <= of.size("refs"); image++) {
      images.add(new LatentGrid(side, side));
    }
    return images;
  }

  /** A grid of so many tokens, as square as can be. */
  static LatentGrid grid(int tokens) {
    int height = (int) Math.sqrt(tokens);
    while (tokens % height != 0) {
      height--;
    }
    return new LatentGrid(height, tokens / height);
  }

  private Tensor random(String name, long rows, long channels) {
    return RandomValues.fill(Tensor.f32(arena, name, rows, channels), 1, name.hashCode());
  }

  void forward(Taps taps) {
    velocity = transformer.forward(state, imageTokens, text, TIMESTEP, taps);
  }

  /** A pass with reuse over other image tokens of the same shape; the velocity of the target. */
  Tensor forward(ReferencePass reuse, Tensor tokens, float timestep, Taps taps) {
    return transformer.forwardWithCachedReferences(state, reuse, tokens, text, timestep, taps);
  }

  /** An empty memo for the passes of one loop. */
  ExactMemo newMemo(TensorArena owner) {
    return transformer.newMemo(owner, List.of(Math.toIntExact(state.textTokens())), images);
  }

  /** What all passes have done so far. */
  PassCounter counter() {
    return state.counter();
  }

  void check() {
    Results.requireFinite("velocity", velocity);
  }

  TransformerConfig config() {
    return config;
  }

  RandomWeights weights() {
    return weights;
  }

  TensorArena arena() {
    return arena;
  }

  /** {@code [I, inChannels]}: the target's rows, then those of the references. */
  Tensor imageTokens() {
    return imageTokens;
  }

  /** Tokens of the sequence: text, target, references. */
  long tokens() {
    return state.textTokens() + state.imageTokens();
  }

  long targetTokens() {
    return images.getFirst().tokens();
  }

  long referenceTokens() {
    return state.imageTokens() - targetTokens();
  }

  /** Operations of one block: its linear layers, its attention, and the modulation. */
  double blockFlop() {
    double inner = config.innerDim();
    double rows = tokens();
    return 24 * inner * inner * rows + 4 * inner * rows * rows + 24 * inner * inner;
  }

  @Override
  public void close() {
    arena.close();
  }
}
