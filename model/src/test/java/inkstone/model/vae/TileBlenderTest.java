package inkstone.model.vae;

import inkstone.memory.TensorArena;
import inkstone.model.vae.Tiling.Axis;
import inkstone.tensor.Tensor;
import inkstone.tensor.TensorAssert;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The streaming blender against the whole-grid algorithm, bit by bit. */
class TileBlenderTest {
  private static final int CHANNELS = 3;

  @ParameterizedTest
  @CsvSource({
    // height, tile, stride, width, tile, stride
    "40, 16, 12, 52, 16, 12",
    "16, 16, 12, 17, 16, 12",
    "13, 16, 12, 40, 16, 12",
    "20, 16, 16, 33, 16, 16",
    "21, 16, 4, 30, 16, 5",
    "9, 8, 1, 9, 8, 1",
    "30, 10, 7, 8, 20, 15",
    "17, 16, 1, 50, 20, 13",
  })
  void equalsTheWholeGridAlgorithm(
      long height,
      long tileHeight,
      long strideHeight,
      long width,
      long tileWidth,
      long strideWidth) {
    Axis rows = new Axis(height, tileHeight, strideHeight);
    Axis columns = new Axis(width, tileWidth, strideWidth);
    Random random = new Random(height * 1000 + width);
    float[][][] tiles = new float[rows.count()][columns.count()][];
    for (int i = 0; i < rows.count(); i++) {
      for (int j = 0; j < columns.count(); j++) {
        tiles[i][j] = new float[(int) (rows.extent(i) * columns.extent(j)) * CHANNELS];
        for (int k = 0; k < tiles[i][j].length; k++) {
          tiles[i][j][k] = random.nextFloat(-1, 1);
        }
      }
    }
    try (TensorArena arena = TensorArena.open("test")) {
      Tensor out = Tensor.f32(arena, "out", height, width, CHANNELS);
      TileBlender blender = new TileBlender(arena, out, rows, columns);
      for (int i = 0; i < rows.count(); i++) {
        for (int j = 0; j < columns.count(); j++) {
          blender.add(
              i,
              j,
              Tensor.of(arena, "tile", tiles[i][j], rows.extent(i), columns.extent(j), CHANNELS));
        }
      }
      TensorAssert.assertBits("blended", wholeGrid(rows, columns, tiles), out.toFloatArray());
    }
  }

  /** Keeps every tile, blends in place, concatenates the corners. */
  private static float[] wholeGrid(Axis rows, Axis columns, float[][][] tiles) {
    float[] result = new float[(int) (rows.size() * columns.size()) * CHANNELS];
    for (int i = 0; i < rows.count(); i++) {
      for (int j = 0; j < columns.count(); j++) {
        int height = (int) rows.extent(i);
        int width = (int) columns.extent(j);
        float[] tile = tiles[i][j];
        if (i > 0) {
          int above = (int) rows.extent(i - 1);
          int extent = Math.min(Math.min(above, height), (int) rows.blend());
          for (int y = 0; y < extent; y++) {
            for (int x = 0; x < width; x++) {
              mix(
                  tile,
                  (y * width + x),
                  tiles[i - 1][j],
                  (above - extent + y) * width + x,
                  y,
                  extent);
            }
          }
        }
        if (j > 0) {
          int left = (int) columns.extent(j - 1);
          int extent = Math.min(Math.min(left, width), (int) columns.blend());
          for (int x = 0; x < extent; x++) {
            for (int y = 0; y < height; y++) {
              mix(tile, y * width + x, tiles[i][j - 1], y * left + left - extent + x, x, extent);
            }
          }
        }
        for (int y = 0; y < Math.min(height, rows.stride()); y++) {
          for (int x = 0; x < Math.min(width, columns.stride()); x++) {
            int to = (int) ((rows.start(i) + y) * columns.size() + columns.start(j) + x);
            System.arraycopy(tile, (y * width + x) * CHANNELS, result, to * CHANNELS, CHANNELS);
          }
        }
      }
    }
    return result;
  }

  private static void mix(float[] b, int bPixel, float[] a, int aPixel, int i, int extent) {
    for (int c = 0; c < CHANNELS; c++) {
      int at = bPixel * CHANNELS + c;
      b[at] =
          a[aPixel * CHANNELS + c] * (float) (1 - (double) i / extent)
              + b[at] * (float) ((double) i / extent);
    }
  }
}
