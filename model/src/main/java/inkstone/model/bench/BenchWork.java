package inkstone.model.bench;

import inkstone.tensor.DType;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What can be measured, with the sizes of Qwen-Image. */
@SuppressWarnings("ImmutableEnumChecker") // its lists and maps are unmodifiable
public enum BenchWork {
  /** A linear layer: {@code [m, k]} times {@code [n, k]}ᵀ. */
  GEMM(
      "gemm",
      BenchTypes.ALL,
      sizes("m", 2304, "n", 3072, "k", 3072),
      sizes("m", 2304, "n", 12_288, "k", 3072)),
  /** The same for one row, as in modulation. */
  GEMV("gemv", BenchTypes.ALL, sizes("n", 18_432, "k", 3072)),
  /** Attention of every token to every token. */
  ATTENTION(
      "attention",
      BenchTypes.NONE,
      sizes("tokens", 2304, "heads", 24, "head_dim", 128),
      sizes("tokens", 8448, "heads", 24, "head_dim", 128)),
  /** One block of the diffusion transformer, the mean of {@code layers}. */
  BLOCK(
      "block",
      BenchTypes.FILES,
      sizes(
          "tokens",
          2048,
          "text",
          256,
          "layers",
          1,
          "heads",
          24,
          "head_dim",
          128,
          "text_dim",
          3584)),
  /** A whole forward of the diffusion transformer, and its parts one by one. */
  STEP(
      "step",
      BenchTypes.FILES,
      sizes(
          "size",
          1024,
          "refs",
          1,
          "text",
          250,
          "layers",
          2,
          "heads",
          24,
          "head_dim",
          128,
          "text_dim",
          3584)),
  /** Latents to a square picture of {@code size} pixels a side. */
  VAE_DECODE("vae-decode", BenchTypes.VAE, sizes("size", 512, "base_dim", 96)),
  /** A square picture of {@code size} pixels a side to latents. */
  VAE_ENCODE("vae-encode", BenchTypes.VAE, sizes("size", 1024, "base_dim", 96)),
  /** Decoder layers of the text encoder, with the embedding and the last norm. */
  TEXT_DECODER(
      "text-decoder",
      BenchTypes.FILES,
      sizes(
          "tokens",
          250,
          "layers",
          1,
          "hidden",
          3584,
          "heads",
          28,
          "kv_heads",
          4,
          "intermediate",
          18_944)),
  /** Blocks of the vision tower with patch embedding and merger; {@code side} patches a side. */
  TEXT_VISION(
      "text-vision",
      BenchTypes.FILES,
      sizes(
          "side", 28, "layers", 1, "hidden", 1280, "heads", 16, "intermediate", 3420, "out", 3584)),
  /** Multiply-adds in registers: what all rates are held against. */
  PEAK("peak", BenchTypes.NONE, sizes()),
  /** Reading memory that no cache holds: what the bytes of a GEMV are held against. */
  READ("read", BenchTypes.NONE, sizes("megabytes", 256));

  private final String word;
  private final List<DType> dtypes;
  private final List<Map<String, Integer>> shapes;

  @SafeVarargs
  @SuppressWarnings("varargs") // the list copies it
  BenchWork(String word, List<DType> dtypes, Map<String, Integer>... shapes) {
    this.word = word;
    this.dtypes = dtypes;
    this.shapes = List.of(shapes);
  }

  /** Its name on the command line and in JSON. */
  public String word() {
    return word;
  }

  /** The work of that name, or null. */
  public static BenchWork of(String word) {
    for (BenchWork work : values()) {
      if (work.word.equals(word)) {
        return work;
      }
    }
    return null;
  }

  /** Weight types that it can be measured with, the usual one first; F32 alone without weights. */
  public List<DType> dtypes() {
    return dtypes;
  }

  /** The shapes that are measured when none is asked for: names and values of all sizes. */
  public List<Map<String, Integer>> shapes() {
    return shapes;
  }

  private static Map<String, Integer> sizes(Object... namesAndValues) {
    Map<String, Integer> sizes = new LinkedHashMap<>();
    for (int i = 0; i < namesAndValues.length; i += 2) {
      sizes.put((String) namesAndValues[i], (Integer) namesAndValues[i + 1]);
    }
    return Collections.unmodifiableMap(sizes);
  }
}
