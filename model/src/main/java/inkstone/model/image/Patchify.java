package inkstone.model.image;

import inkstone.tensor.DType;
import inkstone.tensor.Shape;
import inkstone.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * Between latents and the transformer's tokens: each 2x2 block of latent pixels is one token of
 * {@code C * 4} features in the order channel, row, column ({@code _pack_latents} and {@code
 * _unpack_latents} of diffusers' {@code pipeline_qwenimage_edit_plus.py}).
 */
public final class Patchify {
  private static final ValueLayout.OfFloat FLOAT =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private Patchify() {}

  /**
   * Latents to tokens.
   *
   * @param out {@code [h/2 * w/2, C * 4]}
   * @param latents {@code [h, w, C]}, channels last, both sides even
   */
  public static void pack(Tensor out, Tensor latents) {
    require("pack", out, latents);
    move(latents.segment(), out.segment(), latents.shape(), Direction.PACK);
  }

  /**
   * Tokens to latents.
   *
   * @param out {@code [h, w, C]}, channels last, both sides even
   * @param tokens {@code [h/2 * w/2, C * 4]}
   */
  public static void unpack(Tensor out, Tensor tokens) {
    require("unpack", tokens, out);
    move(out.segment(), tokens.segment(), out.shape(), Direction.UNPACK);
  }

  /**
   * Planar noise, as torch draws it, to tokens.
   *
   * @param out {@code [h/2 * w/2, C * 4]}
   * @param planar {@code [C, h, w]}
   */
  public static void packPlanar(Tensor out, float[] planar, int channels, int height, int width) {
    if (planar.length != (long) channels * height * width) {
      throw new IllegalArgumentException(
          "Patchify.packPlanar: noise, expected "
              + (long) channels * height * width
              + " values, got "
              + planar.length);
    }
    requireTokens("packPlanar", out, height, width, channels);
    MemorySegment to = out.segment();
    int at = 0;
    for (int c = 0; c < channels; c++) {
      for (int y = 0; y < height; y++) {
        for (int x = 0; x < width; x++) {
          to.set(FLOAT, 4 * packed(y, x, c, width, channels), planar[at++]);
        }
      }
    }
  }

  private enum Direction {
    PACK,
    UNPACK
  }

  private static void move(
      MemorySegment latents, MemorySegment tokens, Shape shape, Direction direction) {
    int height = (int) shape.dim(0);
    int width = (int) shape.dim(1);
    int channels = (int) shape.dim(2);
    long at = 0;
    for (int y = 0; y < height; y++) {
      for (int x = 0; x < width; x++) {
        for (int c = 0; c < channels; c++, at += 4) {
          long token = 4 * packed(y, x, c, width, channels);
          if (direction == Direction.PACK) {
            tokens.set(FLOAT, token, latents.get(FLOAT, at));
          } else {
            latents.set(FLOAT, at, tokens.get(FLOAT, token));
          }
        }
      }
    }
  }

  /** Element index inside the tokens of latent pixel (y, x), channel c. */
  private static long packed(int y, int x, int c, int width, int channels) {
    long token = (long) (y >> 1) * (width >> 1) + (x >> 1);
    return token * channels * 4 + c * 4L + (y & 1) * 2 + (x & 1);
  }

  private static void require(String op, Tensor tokens, Tensor latents) {
    if (latents.dtype() != DType.F32 || latents.rank() != 3) {
      throw new IllegalArgumentException(
          "Patchify." + op + ": latents, expected F32 [h, w, C], got " + latents);
    }
    requireTokens(op, tokens, latents.dim(0), latents.dim(1), latents.dim(2));
  }

  private static void requireTokens(String op, Tensor tokens, long h, long w, long c) {
    if (h <= 0 || w <= 0 || c <= 0 || h % 2 != 0 || w % 2 != 0) {
      throw new IllegalArgumentException(
          "Patchify."
              + op
              + ": latent size, expected even height and width, got "
              + h
              + "x"
              + w
              + "x"
              + c);
    }
    Shape expected = Shape.of(h / 2 * (w / 2), c * 4);
    if (tokens.dtype() != DType.F32 || !tokens.shape().equals(expected)) {
      throw new IllegalArgumentException(
          "Patchify." + op + ": tokens, expected F32" + expected + ", got " + tokens);
    }
  }
}
