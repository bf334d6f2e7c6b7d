package inkstone.model.pipeline;

import inkstone.model.image.Size;
import inkstone.model.vae.Tiling;
import java.util.List;

/**
 * Which way the VAE works in one run.
 *
 * @param bytes what it allocates, encoding or decoding, whichever is more
 */
record VaeTilings(Tiling encode, Tiling decode, long bytes) {
  /** Below this the whole picture is always worked on at once. */
  private static final long SMALL_BYTES = 1L << 30;

  /**
   * @param target size of the result
   * @param references as the VAE will see them
   */
  static VaeTilings choose(
      VaeTiling wish, LatentCodec codec, MemoryCheck memory, Size target, List<Size> references) {
    Tiling encode = tiling(wish, memory, encodeBytes(codec, references, Tiling.OFF));
    Tiling decode = tiling(wish, memory, codec.decodeBytes(target, Tiling.OFF));
    return new VaeTilings(
        encode,
        decode,
        Math.max(encodeBytes(codec, references, encode), codec.decodeBytes(target, decode)));
  }

  /** The most that one of the references takes. */
  static long encodeBytes(LatentCodec codec, List<Size> references, Tiling tiling) {
    return references.stream().mapToLong(size -> codec.encodeBytes(size, tiling)).max().orElse(0);
  }

  private static Tiling tiling(VaeTiling wish, MemoryCheck memory, long wholeBytes) {
    boolean tiles =
        switch (wish) {
          case ON -> true;
          case OFF -> false;
          case AUTO -> wholeBytes > SMALL_BYTES && wholeBytes > memory.availableBytes() / 2;
        };
    return tiles ? Tiling.DEFAULT : Tiling.OFF;
  }
}
