package inkstone.model.image;

import inkstone.loader.config.ProcessorConfig;
import inkstone.memory.TensorArena;
import inkstone.tensor.DType;
import inkstone.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * Between 8-bit pictures and the tensors of the vision tower and the VAE. All arithmetic is float32
 * in the order of the Python code, so values are equal bit for bit.
 */
public final class Preprocess {
  private static final ValueLayout.OfFloat FLOAT =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final int CHANNELS = 3;

  private Preprocess() {}

  /**
   * The patches of a picture as {@code Qwen2VLImageProcessor} of transformers 5 makes them with its
   * torchvision backend: size by {@link Sizes#smartResize}, PyTorch's bicubic on 8-bit pixels,
   * rescaling fused into mean and deviation.
   *
   * @throws IllegalArgumentException when one side is more than 200 times the other
   */
  public static Patches qwen2Vl(TensorArena arena, Image image, ProcessorConfig config) {
    Size size = qwen2VlSize(image.size(), config);
    Image resized = Resize.torchBicubic(image, size.width(), size.height());
    int patch = config.patchSize();
    int merge = config.mergeSize();
    int frames = config.temporalPatchSize();
    int gridH = size.height() / patch;
    int gridW = size.width() / patch;
    long features = (long) CHANNELS * frames * patch * patch;
    Tensor pixelValues = Tensor.f32(arena, "pixel_values", (long) gridH * gridW, features);
    float[][] table = normalized(config); // [3, 256]
    MemorySegment out = pixelValues.segment();
    byte[] rgb = resized.rgb();
    long at = 0;
    for (int token = 0; token < gridH * gridW; token++) {
      int inner = token % (merge * merge);
      int block = token / (merge * merge);
      int top = (block / (gridW / merge) * merge + inner / merge) * patch;
      int left = (block % (gridW / merge) * merge + inner % merge) * patch;
      for (int c = 0; c < CHANNELS; c++) {
        for (int frame = 0; frame < frames; frame++) {
          for (int y = top; y < top + patch; y++) {
            int from = (y * size.width() + left) * CHANNELS + c;
            for (int x = 0; x < patch; x++, at += Float.BYTES) {
              out.set(FLOAT, at, table[c][rgb[from + x * CHANNELS] & 0xff]);
            }
          }
        }
      }
    }
    return new Patches(pixelValues, gridH, gridW);
  }

  /** The size to which {@link #qwen2Vl} scales a picture of that size. */
  public static Size qwen2VlSize(Size size, ProcessorConfig config) {
    return Sizes.smartResize(
        size.height(), size.width(), config.factor(), config.minPixels(), config.maxPixels());
  }

  /** What each 8-bit value of each channel becomes. */
  private static float[][] normalized(ProcessorConfig config) {
    float[][] table = new float[CHANNELS][256];
    float unscale = (float) (1 / config.rescaleFactor());
    for (int c = 0; c < CHANNELS; c++) {
      float mean = config.imageMean().get(c).floatValue() * unscale;
      float deviation = config.imageStd().get(c).floatValue() * unscale;
      for (int v = 0; v < 256; v++) {
        table[c][v] = (v - mean) / deviation;
      }
    }
    return table;
  }

  /** The picture as the VAE takes it: {@code [H, W, 3]} in -1..1. */
  public static Tensor vaePixels(TensorArena arena, Image image) {
    Tensor pixels = Tensor.f32(arena, "pixels", image.height(), image.width(), CHANNELS);
    MemorySegment out = pixels.segment();
    byte[] rgb = image.rgb();
    for (int i = 0; i < rgb.length; i++) {
      out.set(FLOAT, 4L * i, 2 * ((rgb[i] & 0xff) / 255f) - 1);
    }
    return pixels;
  }

  /**
   * The picture that decoded pixels show: {@code x / 2 + 0.5} cut to 0..1, times 255, rounded half
   * to even.
   *
   * @param pixels {@code [H, W, 3]}, nominally in -1..1
   * @throws IllegalArgumentException when a pixel is not a number
   */
  public static Image toImage(Tensor pixels) {
    if (pixels.dtype() != DType.F32 || pixels.rank() != 3 || pixels.dim(2) != CHANNELS) {
      throw new IllegalArgumentException(
          "Preprocess.toImage: pixels, expected F32 [H, W, 3], got " + pixels);
    }
    Image image = Image.blank(Math.toIntExact(pixels.dim(1)), Math.toIntExact(pixels.dim(0)));
    MemorySegment in = pixels.segment();
    byte[] rgb = image.rgb();
    for (int i = 0; i < rgb.length; i++) {
      float v = in.get(FLOAT, 4L * i);
      if (Float.isNaN(v)) {
        throw new IllegalArgumentException(
            "Preprocess.toImage: value "
                + i
                + " of "
                + pixels
                + ", expected a number, got NaN; the model's weights or its input are damaged");
      }
      rgb[i] = (byte) Math.rint(Math.clamp(v * 0.5f + 0.5f, 0f, 1f) * 255f);
    }
    return image;
  }
}
