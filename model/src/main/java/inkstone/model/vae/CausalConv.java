package inkstone.model.vae;

import inkstone.loader.CheckpointException;
import inkstone.loader.Weights;
import inkstone.memory.TensorArena;
import inkstone.ops.Conv;
import inkstone.ops.ConvWeights;
import inkstone.tensor.Tensor;

/**
 * A 3×3 convolution over {@code [H, W, C]}: the causal 3×3×3 convolution of QwenImageCausalConv3d
 * on one frame, where two zero frames stand before the picture and only the last temporal tap meets
 * it, or a plain Conv2d. The weights are laid out for the kernel once; the file's copy is not
 * needed afterwards.
 */
final class CausalConv {
  /** Kernel size in both directions. */
  static final int KERNEL = 3;

  private final ConvWeights weights;
  private final int outChannels;

  private CausalConv(TensorArena arena, Tensor weight, Tensor bias, int outChannels) {
    this.weights = Conv.prepare(arena, weight, bias);
    this.outChannels = outChannels;
  }

  /** Reads {@code weight [out, in, 3, 3, 3]} and {@code bias [out]}. */
  static CausalConv causal(TensorArena arena, Weights at, int in, int out)
      throws CheckpointException {
    Tensor weight = at.tensor("weight", out, in, KERNEL, KERNEL, KERNEL);
    return new CausalConv(arena, weight, at.tensor("bias", out), out);
  }

  /** Reads {@code weight [out, in, 3, 3]} and {@code bias [out]}. */
  static CausalConv spatial(TensorArena arena, Weights at, int in, int out)
      throws CheckpointException {
    Tensor weight = at.tensor("weight", out, in, KERNEL, KERNEL);
    return new CausalConv(arena, weight, at.tensor("bias", out), out);
  }

  /** {@code out} [H, W, Cout] of {@code x} [H, W, Cin], zeros around. */
  void forward(Pass pass, Tensor out, Tensor x) {
    forward(pass, out, x, Conv.Geometry.same(KERNEL));
  }

  void forward(Pass pass, Tensor out, Tensor x, Conv.Geometry geometry) {
    pass.run(c -> Conv.forward(c, out, x, weights, geometry));
  }

  /** The same size out as in, zeros around; {@code x} stays alive. */
  Tensor forward(Pass pass, String name, Tensor x) {
    Tensor out = pass.take(name, x.dim(0), x.dim(1), outChannels);
    forward(pass, out, x);
    return out; // [H, W, Cout]
  }

  /** The same plus {@code residual} [H, W, Cout], which is added last and stays alive too. */
  Tensor forwardAdd(Pass pass, String name, Tensor x, Tensor residual) {
    Tensor out = pass.take(name, x.dim(0), x.dim(1), outChannels);
    Conv.Geometry same = Conv.Geometry.same(KERNEL);
    pass.run(c -> Conv.forward(c, out, x, weights, same, residual));
    return out; // [H, W, Cout]
  }

  int outChannels() {
    return outChannels;
  }
}
