package inkstone.model.pipeline;

import inkstone.memory.TensorArena;
import inkstone.model.debug.Taps;
import inkstone.model.image.Image;
import inkstone.model.image.Patchify;
import inkstone.model.image.Preprocess;
import inkstone.model.image.Size;
import inkstone.model.vae.LatentStats;
import inkstone.model.vae.Tiling;
import inkstone.model.vae.VaeDecoder;
import inkstone.model.vae.VaeEncoder;
import inkstone.tensor.Tensor;
import java.util.HashMap;
import java.util.Map;

/** Pictures to packed, normalised latent tokens, and back. */
final class LatentCodec {
  /** Sizes whose needs are remembered: working them out takes the weights. */
  private static final int REMEMBERED = 256;

  private final Part<VaeNetworks> vae;
  private final LatentStats stats;
  private final int channels;
  private final Map<Need, Long> needs = new HashMap<>();

  /** Picture pixels along one side of a packed token: the VAE's factor times the 2×2 patch. */
  final int pixelsPerToken;

  /** What {@link #bytes} remembers. */
  private record Need(boolean encode, long height, long width, Tiling tiling) {}

  LatentCodec(Part<VaeNetworks> vae, LatentStats stats, int channels, int vaeFactor) {
    this.vae = vae;
    this.stats = stats;
    this.channels = channels;
    this.pixelsPerToken = 2 * vaeFactor;
  }

  int channels() {
    return channels;
  }

  /** Bytes that {@link #encode} allocates for a picture of that size. */
  long encodeBytes(Size size, Tiling tiling) {
    long pixels = 3 * size.pixels() * Float.BYTES;
    return pixels + bytes(new Need(true, size.height(), size.width(), tiling));
  }

  /** Bytes that {@link #decode} allocates for a picture of that size. */
  long decodeBytes(Size size, Tiling tiling) {
    long height = 2L * (size.height() / pixelsPerToken);
    long width = 2L * (size.width() / pixelsPerToken);
    long latents = height * width * channels * Float.BYTES;
    return latents + bytes(new Need(false, height, width, tiling));
  }

  private synchronized long bytes(Need need) {
    if (needs.size() == REMEMBERED) {
      needs.clear();
    }
    return needs.computeIfAbsent(
        need,
        _ ->
            vae.ask(networks ->
                need.encode
                    ? networks.encoder().encodeBytes(need.height, need.width, need.tiling)
                    : networks.decoder().decodeBytes(need.height, need.width, need.tiling)));
  }

  /** Bytes of the workers' scratch, at most. */
  long scratchBytes() {
    return vae.ask(networks -> networks.decoder().scratchBytes());
  }

  /** Writes the picture's latents to {@code tokens}: [h/2·w/2, 4·channels]. */
  void encode(TensorArena arena, Tensor tokens, Image picture, Tiling tiling, Taps taps) {
    VaeEncoder encoder = vae.acquire().encoder();
    try (TensorArena scratch = arena.child("encode")) {
      Tensor pixels = Preprocess.vaePixels(scratch, picture); // [H, W, 3]
      Tensor latents = encoder.encode(scratch, pixels, tiling, taps); // [h, w, C]
      stats.normalize(latents);
      Patchify.pack(tokens, latents);
    } finally {
      vae.release();
    }
  }

  /** The picture that {@code tokens} [h/2·w/2, 4·channels] stand for. */
  Image decode(TensorArena arena, Tensor tokens, int width, int height, Tiling tiling, Taps taps) {
    VaeDecoder decoder = vae.acquire().decoder();
    try (TensorArena scratch = arena.child("decode")) {
      Tensor latents =
          Tensor.f32(
              scratch,
              "latents",
              2L * (height / pixelsPerToken),
              2L * (width / pixelsPerToken),
              channels);
      Patchify.unpack(latents, tokens);
      stats.denormalize(latents);
      taps.tap("denormalized_latents", latents);
      Tensor pixels = decoder.decode(scratch, latents, tiling, taps); // [H, W, 3]
      taps.tap("decoded", pixels);
      return Preprocess.toImage(pixels);
    } finally {
      vae.release();
    }
  }
}
