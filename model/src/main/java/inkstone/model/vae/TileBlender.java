package inkstone.model.vae;

import inkstone.memory.TensorArena;
import inkstone.model.vae.Tiling.Axis;
import inkstone.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Puts overlapping tiles together, row by row and from left to right, as blend_v and blend_h of
 * autoencoder_kl_qwenimage.py do: each tile is first blended with the tile above, then with the
 * tile to the left, both already blended themselves, and then gives its stride-sized corner to the
 * result. Only the lower edge of the row above and the right edge of the tile to the left are kept.
 */
final class TileBlender {
  private final Tensor out;
  private final Axis rows;
  private final Axis columns;
  private final int channels;

  /** The lowest rows of the latest tile of each column. */
  private final Tensor[] lower;

  /** The rightmost columns of the latest tile. */
  private final Tensor right;

  private final float[] current;
  private final float[] neighbour;

  /**
   * @param arena holds the kept edges
   * @param out the result {@code [H, W, C]}
   * @param rows the tiles along the height, in pixels of {@code out}
   * @param columns the tiles along the width, in pixels of {@code out}
   */
  TileBlender(TensorArena arena, Tensor out, Axis rows, Axis columns) {
    this.out = out;
    this.rows = rows;
    this.columns = columns;
    this.channels = Math.toIntExact(out.dim(2));
    long tileHeight = Math.min(rows.tile(), rows.size());
    long tileWidth = Math.min(columns.tile(), columns.size());
    this.lower = new Tensor[columns.count()];
    for (int column = 0; column < lower.length; column++) {
      long height = Math.min(rows.blend(), tileHeight);
      lower[column] = Tensor.f32(arena, "lower", height, columns.extent(column), channels);
    }
    long width = Math.min(columns.blend(), tileWidth);
    this.right = Tensor.f32(arena, "right", tileHeight, width, channels);
    this.current = new float[Math.toIntExact(tileWidth * channels)];
    this.neighbour = new float[current.length];
  }

  /** Bytes that the constructor allocates. */
  static long bytes(Axis rows, Axis columns, int channels) {
    long tileHeight = Math.min(rows.tile(), rows.size());
    long lower = 0;
    for (int column = 0; column < columns.count(); column++) {
      lower += Math.min(rows.blend(), tileHeight) * columns.extent(column);
    }
    long right = tileHeight * Math.min(columns.blend(), Math.min(columns.tile(), columns.size()));
    return (lower + right) * channels * Float.BYTES;
  }

  /**
   * Adds the tile at a row and column, in reading order; its content is changed by the blending.
   */
  void add(int row, int column, Tensor tile) {
    long height = rows.extent(row);
    long width = columns.extent(column);
    // Heights and widths of the neighbours' edges that meet this tile.
    long blendAbove = row == 0 ? 0 : smallest(rows.extent(row - 1), height, rows.blend());
    long blendLeft = column == 0 ? 0 : smallest(columns.extent(column - 1), width, columns.blend());
    long lowerRows = row == 0 ? 0 : Math.min(rows.extent(row - 1), rows.blend());
    long rightColumns = column == 0 ? 0 : Math.min(columns.extent(column - 1), columns.blend());
    int rowFloats = Math.toIntExact(width * channels);
    int rightFloats = Math.toIntExact(right.dim(1) * channels);
    for (long y = 0; y < height; y++) {
      load(tile, y * rowFloats, current, rowFloats);
      if (y < blendAbove) {
        load(lower[column], (lowerRows - blendAbove + y) * rowFloats, neighbour, rowFloats);
        blend(current, 0, neighbour, 0, rowFloats, y, blendAbove);
      }
      if (blendLeft > 0) {
        load(right, y * rightFloats, neighbour, rightFloats);
        for (int x = 0; x < blendLeft; x++) {
          int from = Math.toIntExact(rightColumns - blendLeft + x) * channels;
          blend(current, x * channels, neighbour, from, channels, x, blendLeft);
        }
      }
      store(current, 0, tile, y * rowFloats, rowFloats);
    }
    keep(row, column, tile);
    keepEdges(row, column, tile);
  }

  private void keep(int row, int column, Tensor tile) {
    long width = columns.extent(column);
    for (long y = 0; y < rows.kept(row); y++) {
      long to = ((rows.start(row) + y) * out.dim(1) + columns.start(column)) * channels;
      copy(tile, y * width * channels, out, to, columns.kept(column) * channels);
    }
  }

  private void keepEdges(int row, int column, Tensor tile) {
    long height = rows.extent(row);
    long width = columns.extent(column);
    long lowerRows = Math.min(height, rows.blend());
    copy(
        tile,
        (height - lowerRows) * width * channels,
        lower[column],
        0,
        lowerRows * width * channels);
    long rightColumns = Math.min(width, columns.blend());
    for (long y = 0; y < height; y++) {
      long from = (y * width + width - rightColumns) * channels;
      copy(tile, from, right, y * right.dim(1) * channels, rightColumns * channels);
    }
  }

  /** {@code b = a * (1 - i / n) + b * (i / n)}, with both factors rounded to F32 as torch does. */
  private static void blend(float[] b, int bAt, float[] a, int aAt, int count, long i, long n) {
    float keepA = (float) (1 - (double) i / n);
    float keepB = (float) ((double) i / n);
    for (int c = 0; c < count; c++) {
      b[bAt + c] = a[aAt + c] * keepA + b[bAt + c] * keepB;
    }
  }

  private static long smallest(long a, long b, long c) {
    return Math.min(a, Math.min(b, c));
  }

  private static void load(Tensor from, long at, float[] to, int count) {
    MemorySegment.copy(
        from.segment(), ValueLayout.JAVA_FLOAT_UNALIGNED, at * Float.BYTES, to, 0, count);
  }

  private static void store(float[] from, int fromAt, Tensor to, long at, int count) {
    MemorySegment.copy(
        from, fromAt, to.segment(), ValueLayout.JAVA_FLOAT_UNALIGNED, at * Float.BYTES, count);
  }

  private static void copy(Tensor from, long fromAt, Tensor to, long toAt, long count) {
    MemorySegment.copy(
        from.segment(),
        fromAt * Float.BYTES,
        to.segment(),
        toAt * Float.BYTES,
        count * Float.BYTES);
  }
}
