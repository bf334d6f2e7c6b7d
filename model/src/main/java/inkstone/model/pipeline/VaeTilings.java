package inkstone.model.pipeline;

import inkstone.loader.config.VaeConfig;
import inkstone.model.image.Image;
import inkstone.model.image.Size;
import inkstone.model.vae.Tiling;
import java.util.List;

/**
 * Which way the VAE works in one run.
 *
 * @param bytes about what it allocates at most, encoding or decoding
 */
record VaeTilings(Tiling encode, Tiling decode, long bytes) {
  /**
   * Full-size F32 activations of base_dim channels that live at once; 3.2 were measured at 1024²
   * (215 MB with base_dim 16).
   */
  private static final int LIVE_BUFFERS = 4;

  /** Pixels of a tile of {@link Tiling#DEFAULT}. */
  private static final long TILE_PIXELS = 256 * 256;

  /**
   * @param target size of the result
   * @param references as the VAE will see them
   */
  static VaeTilings choose(VaeTiling wish, VaeConfig vae, Size target, List<Image> references) {
    long encoded = references.stream().mapToLong(image -> image.size().pixels()).max().orElse(0);
    boolean tilesEncode = tiles(wish, bytes(vae, encoded));
    boolean tilesDecode = tiles(wish, bytes(vae, target.pixels()));
    return new VaeTilings(
        tilesEncode ? Tiling.DEFAULT : Tiling.OFF,
        tilesDecode ? Tiling.DEFAULT : Tiling.OFF,
        Math.max(
            bytes(vae, tilesEncode ? TILE_PIXELS : encoded),
            bytes(vae, tilesDecode ? TILE_PIXELS : target.pixels())));
  }

  private static boolean tiles(VaeTiling wish, long wholeBytes) {
    return switch (wish) {
      case ON -> true;
      case OFF -> false;
      case AUTO -> wholeBytes > (1L << 30) && wholeBytes > MemoryCheck.availableBytes() / 2;
    };
  }

  private static long bytes(VaeConfig vae, long pixels) {
    return pixels * vae.baseDim() * Float.BYTES * LIVE_BUFFERS;
  }
}
