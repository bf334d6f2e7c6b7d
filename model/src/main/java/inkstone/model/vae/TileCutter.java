package inkstone.model.vae;

import inkstone.model.vae.Tiling.Axis;
import inkstone.tensor.Tensor;
import java.lang.foreign.MemorySegment;

/** Cuts tiles out of channels-last pictures and latents. */
final class TileCutter {
  private TileCutter() {}

  /** A copy of one tile of {@code from} [H, W, C], alive until it is given back. */
  static Tensor cut(Pass pass, Tensor from, Axis rows, int row, Axis columns, int column) {
    pass.checkpoint();
    long height = rows.extent(row);
    long width = columns.extent(column);
    Tensor tile = pass.take("tile", height, width, from.dim(2));
    long pixelBytes = from.dim(2) * Float.BYTES;
    for (long y = 0; y < height; y++) {
      long at = (rows.start(row) + y) * from.dim(1) + columns.start(column);
      MemorySegment.copy(
          from.segment(),
          at * pixelBytes,
          tile.segment(),
          y * width * pixelBytes,
          width * pixelBytes);
    }
    return tile; // [th, tw, C]
  }
}
