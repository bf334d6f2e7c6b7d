package inkstone.model.vae;

import inkstone.loader.CheckpointException;
import inkstone.loader.Weights;
import inkstone.memory.TensorArena;
import inkstone.ops.RmsNorm;
import inkstone.tensor.Tensor;

/**
 * QwenImageRMS_norm: each pixel's channels are divided by their L2 norm and multiplied by √C and
 * gamma.
 */
final class ChannelNorm {
  private final Tensor gamma;

  private ChannelNorm(Tensor gamma) {
    this.gamma = gamma;
  }

  /** Reads {@code gamma [C, 1, 1, 1]}. */
  static ChannelNorm causal(TensorArena arena, Weights at, int channels)
      throws CheckpointException {
    return new ChannelNorm(widened(arena, at.tensor("gamma", channels, 1, 1, 1)));
  }

  /** Reads {@code gamma [C, 1, 1]}. */
  static ChannelNorm spatial(TensorArena arena, Weights at, int channels)
      throws CheckpointException {
    return new ChannelNorm(widened(arena, at.tensor("gamma", channels, 1, 1)));
  }

  /** The norm alone. */
  void forward(Pass pass, Tensor out, Tensor x) {
    pass.run(c -> RmsNorm.l2(c, out, x, gamma));
  }

  /** SiLU of the norm, in one pass over the data; {@code out} may be {@code x}. */
  void forwardSilu(Pass pass, Tensor out, Tensor x) {
    pass.run(c -> RmsNorm.l2Silu(c, out, x, gamma));
  }

  private static Tensor widened(TensorArena arena, Tensor stored) {
    return arena.backed()
        ? Tensor.of(arena, stored.name(), stored.toFloatArray(), stored.dim(0)) // [C]
        : Tensor.f32(arena, stored.name(), stored.dim(0));
  }
}
