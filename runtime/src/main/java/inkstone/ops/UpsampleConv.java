package inkstone.ops;

import inkstone.kernel.ConvArgs;
import inkstone.memory.TensorArena;
import inkstone.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/**
 * Nearest upsampling by two, then a 3×3 convolution, without the doubled picture. Of the nine taps
 * of an output pixel several meet the same small pixel: an output row of even number sees rows y-1,
 * y and y of the small picture, one of odd number y, y and y+1, and columns likewise. So each of
 * the four parities of row and column is a 2×2 convolution of the small picture, with sums of the
 * weights: 4/9 of the multiplications.
 */
public final class UpsampleConv {
  private static final String OP = "UpsampleConv";

  /** Kernel size on the doubled picture. */
  private static final int KERNEL = 3;

  /** Kernel size on the small picture. */
  private static final int FOLDED = 2;

  /**
   * Weights of the four parities: (even row, even column), (even, odd), (odd, even), (odd, odd).
   */
  public record Weights(List<ConvWeights> parities) {
    public Weights {
      parities = List.copyOf(parities);
    }
  }

  private UpsampleConv() {}

  /**
   * Reorders and sums a checkpoint's weight once. Each sum is exact to a rounding: up to four F32
   * numbers are added in double and rounded to F32.
   *
   * @param weight {@code [Cout, Cin, 3, 3]}
   * @param bias {@code [Cout]} or null
   */
  public static Weights prepare(TensorArena arena, Tensor weight, Tensor bias) {
    Check.type(OP, "weight", weight);
    if (weight.rank() != 4 || weight.dim(2) != KERNEL || weight.dim(3) != KERNEL) {
      throw Check.bad(
          OP,
          "shape of weight",
          "[Cout, Cin, 3, 3]",
          weight.shape(),
          weight.name(),
          "check the checkpoint");
    }
    int cout = Check.size(OP, "output channels", weight.dim(0), weight);
    int cin = Check.size(OP, "input channels", weight.dim(1), weight);
    Tensor wideBias = Conv.widenedBias(arena, OP, bias, cout);
    List<ConvWeights> parities = new ArrayList<>();
    for (int parity = 0; parity < FOLDED * FOLDED; parity++) {
      Tensor folded = Tensor.f32(arena, weight.name(), cout, (long) FOLDED * FOLDED * cin);
      parities.add(new ConvWeights(folded, wideBias, cout, cin, FOLDED, FOLDED));
    }
    float[] taps = new float[Math.multiplyExact(KERNEL * KERNEL, cin)]; // [Cin, 3, 3]
    float[] folded = new float[FOLDED * FOLDED * cin]; // [2, 2, Cin]
    for (int o = 0; arena.backed() && o < cout; o++) {
      for (int i = 0; i < taps.length; i++) {
        taps[i] = weight.getFloat((long) o * taps.length + i);
      }
      for (int parity = 0; parity < FOLDED * FOLDED; parity++) {
        fold(folded, taps, parity / FOLDED, parity % FOLDED, cin);
        parities.get(parity).weight().rows(o, o + 1).copyFrom(folded);
      }
    }
    return new Weights(parities);
  }

  /** The 2×2 weights of one output channel and one parity. */
  private static void fold(float[] folded, float[] taps, int rowParity, int columnParity, int cin) {
    int to = 0;
    for (int ty = 0; ty < FOLDED; ty++) {
      for (int tx = 0; tx < FOLDED; tx++) {
        for (int i = 0; i < cin; i++) {
          double sum = 0;
          for (int ky = first(ty, rowParity); ky <= last(ty, rowParity); ky++) {
            for (int kx = first(tx, columnParity); kx <= last(tx, columnParity); kx++) {
              sum += taps[(i * KERNEL + ky) * KERNEL + kx];
            }
          }
          folded[to++] = (float) sum;
        }
      }
    }
  }

  /** First of the three taps that meet small pixel {@code tap} of the two. */
  private static int first(int tap, int parity) {
    return tap == 0 ? 0 : 1 + parity;
  }

  private static int last(int tap, int parity) {
    return tap == 0 ? parity : KERNEL - 1;
  }

  /** {@code x [H, W, Cin]} to {@code out [2H, 2W, Cout]}, apart from it; zeros around. */
  public static void forward(Compute c, Tensor out, Tensor x, Weights weights) {
    Check.f32(OP, "x", x);
    Check.rank(OP, "x", x, 3);
    ConvWeights any = weights.parities.getFirst();
    int height = Check.size(OP, "height of x", x.dim(0), x);
    int width = Check.size(OP, "width of x", x.dim(1), x);
    Conv.requireChannels(OP, x, any);
    Check.shape(OP, "out", out, 2L * height, 2L * width, any.cout());
    Check.disjoint(OP, out, x);
    long pixel = (long) any.cout() * Float.BYTES;
    for (int parity = 0; parity < FOLDED * FOLDED; parity++) {
      ConvWeights w = weights.parities.get(parity);
      int row = parity / FOLDED;
      int column = parity % FOLDED;
      ConvArgs args =
          new ConvArgs(
              out.address() + pixel * (2L * width * row + column),
              x.address(),
              Conv.packed(c, w),
              Conv.address(w.bias()),
              0,
              height,
              width,
              w.cin(),
              height,
              width,
              w.cout(),
              FOLDED,
              FOLDED,
              1,
              1 - row,
              1 - column,
              2);
      Conv.run(c, args, w.weight().address());
    }
  }
}
