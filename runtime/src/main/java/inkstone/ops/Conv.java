package inkstone.ops;

import inkstone.kernel.ConvArgs;
import inkstone.kernel.Kernels;
import inkstone.memory.TensorArena;
import inkstone.tensor.Tensor;

/** 2-D convolution of one channels-last picture. Pixels outside the picture are zero. */
public final class Conv {
  private static final String OP = "Conv";

  /** Output pixels below which a second thread costs more than it saves. */
  private static final int PIXELS = 24;

  /** Stride and padding in pixels. */
  public record Geometry(int stride, int padTop, int padLeft, int padBottom, int padRight) {
    public Geometry {
      if (stride < 1 || padTop < 0 || padLeft < 0 || padBottom < 0 || padRight < 0) {
        throw new IllegalArgumentException(
            "Conv.Geometry: stride and padding, expected stride 1 or more and padding 0 or more, got "
                + stride
                + " and "
                + padTop
                + ", "
                + padLeft
                + ", "
                + padBottom
                + ", "
                + padRight
                + "; check the layer");
      }
    }

    /** Stride 1 with a border that keeps the picture's size; the kernel size is odd. */
    public static Geometry same(int kernel) {
      if (kernel < 1 || kernel % 2 == 0) {
        throw new IllegalArgumentException(
            "Conv.Geometry: kernel size, expected an odd number, got "
                + kernel
                + "; give the padding of each side");
      }
      int pad = kernel / 2;
      return new Geometry(1, pad, pad, pad, pad);
    }
  }

  private Conv() {}

  /**
   * Reorders a checkpoint's weight once.
   *
   * @param weight {@code [Cout, Cin, kh, kw]}, or {@code [Cout, Cin, kt, kh, kw]}, of which the
   *     last temporal tap is taken: with one frame the others only see the causal zero padding
   * @param bias {@code [Cout]} or null
   */
  public static ConvWeights prepare(TensorArena arena, Tensor weight, Tensor bias) {
    Check.type(OP, "weight", weight);
    if (weight.rank() != 4 && weight.rank() != 5) {
      throw Check.bad(
          OP,
          "rank of weight",
          "4 [Cout, Cin, kh, kw] or 5 [Cout, Cin, kt, kh, kw]",
          weight.shape(),
          weight.name(),
          "check the checkpoint");
    }
    int cout = Check.size(OP, "output channels", weight.dim(0), weight);
    int cin = Check.size(OP, "input channels", weight.dim(1), weight);
    int kh = Check.size(OP, "kernel height", weight.dim(-2), weight);
    int kw = Check.size(OP, "kernel width", weight.dim(-1), weight);
    int frames = weight.rank() == 4 ? 1 : Check.size(OP, "kernel frames", weight.dim(2), weight);
    int taps = kh * kw;
    Check.size(OP, "taps times input channels", (long) taps * cin, weight);
    float[] values = new float[Math.multiplyExact(taps, cin)];
    Tensor ordered = Tensor.f32(arena, weight.name(), cout, values.length); // [Cout, kh·kw·Cin]
    for (int o = 0; arena.backed() && o < cout; o++) {
      for (int i = 0; i < cin; i++) {
        long from = (((long) o * cin + i) * frames + frames - 1) * taps;
        for (int t = 0; t < taps; t++) {
          values[t * cin + i] = weight.getFloat(from + t);
        }
      }
      ordered.rows(o, o + 1).copyFrom(values);
    }
    return new ConvWeights(ordered, widenedBias(arena, OP, bias, cout), cout, cin, kh, kw);
  }

  static Tensor widenedBias(TensorArena arena, String op, Tensor bias, int cout) {
    if (bias == null) {
      return null;
    }
    Check.vector(op, "bias", bias, cout);
    return arena.backed()
        ? Tensor.of(arena, bias.name(), bias.toFloatArray(), cout)
        : Tensor.f32(arena, bias.name(), cout);
  }

  /**
   * Convolves {@code x [H, W, Cin]} to {@code out [Ho, Wo, Cout]}, apart from each other, with
   * {@code Ho = (H + padTop + padBottom - kh) / stride + 1}.
   */
  public static void forward(Compute c, Tensor out, Tensor x, ConvWeights w, Geometry g) {
    forward(c, out, x, w, g, null);
  }

  /**
   * The same plus {@code residual [Ho, Wo, Cout]}, apart from {@code out}, or null. It is added
   * last, so that the bits are those of a convolution and an addition after it.
   */
  public static void forward(
      Compute c, Tensor out, Tensor x, ConvWeights w, Geometry g, Tensor residual) {
    Check.f32(OP, "x", x);
    Check.rank(OP, "x", x, 3);
    int height = Check.size(OP, "height of x", x.dim(0), x);
    int width = Check.size(OP, "width of x", x.dim(1), x);
    requireChannels(OP, x, w);
    int outHeight = out("height", height + g.padTop + g.padBottom, w.kernelHeight(), g, x);
    int outWidth = out("width", width + g.padLeft + g.padRight, w.kernelWidth(), g, x);
    Check.shape(OP, "out", out, outHeight, outWidth, w.cout());
    Check.disjoint(OP, out, x);
    if (residual != null) {
      Check.sameShape(OP, "residual", residual, "out", out);
      Check.disjoint(OP, out, residual);
    }
    ConvArgs args =
        new ConvArgs(
            out.address(),
            x.address(),
            packed(c, w),
            address(w.bias()),
            address(residual),
            height,
            width,
            w.cin(),
            outHeight,
            outWidth,
            w.cout(),
            w.kernelHeight(),
            w.kernelWidth(),
            g.stride,
            g.padTop,
            g.padLeft,
            1);
    run(c, args, w.weight().address());
  }

  /**
   * Bytes of scratch that a convolution of so many channels needs at most, on all threads.
   *
   * @param kernel height and width of the kernel
   */
  public static long scratchBytes(Compute c, int cout, int cin, int kernel) {
    Kernels kernels = c.kernels();
    ConvArgs args =
        new ConvArgs(
            0, 0, 0, 0, 0, 1, 1, cin, 1, 1, cout, kernel, kernel, 1, kernel / 2, kernel / 2, 1);
    long worker = Math.max(kernels.packScratchBytes(), kernels.convScratchBytes(args));
    return kernels.packedBytes(cout, args.k()) + c.workersBytes(worker);
  }

  /** Scratch for the packed weights of {@link #run}. */
  static long packed(Compute c, ConvWeights w) {
    int k = Math.toIntExact(w.weight().dim(1));
    return c.scratch(Compute.Slot.PACKED, c.kernels().packedBytes(w.cout(), k));
  }

  static long address(Tensor optional) {
    return optional == null ? 0 : optional.address();
  }

  /** Packs the weights {@code [Cout, kh·kw·Cin]} once for all workers and convolves. */
  static void run(Compute c, ConvArgs args, long weight) {
    Kernels kernels = c.kernels();
    c.reserveWorkers(Math.max(kernels.packScratchBytes(), kernels.convScratchBytes(args)));
    c.forRange(
        args.cout(),
        kernels.panelColumns(),
        (worker, from, to) ->
            kernels.pack(
                args.packed(),
                weight,
                args.cout(),
                args.k(),
                (int) from,
                (int) to,
                c.workerScratch(worker)));
    c.forRange(
        (long) args.outHeight() * args.outWidth(),
        PIXELS,
        (worker, from, to) -> kernels.conv(args, from, to, c.workerScratch(worker)));
  }

  static void requireChannels(String op, Tensor x, ConvWeights w) {
    if (x.dim(2) != w.cin()) {
      throw Check.bad(
          op,
          "channels of x",
          w.cin() + " as weight " + w.weight().name(),
          x.shape(),
          x.name(),
          "pass channels last");
    }
  }

  private static int out(String what, int padded, int kernel, Geometry g, Tensor x) {
    if (padded < kernel) {
      throw Check.bad(
          OP,
          what + " of x with its padding",
          kernel + " or more",
          padded,
          x.name(),
          "use a larger picture");
    }
    return (padded - kernel) / g.stride + 1;
  }
}
