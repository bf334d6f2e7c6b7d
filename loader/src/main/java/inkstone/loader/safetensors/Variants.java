package inkstone.loader.safetensors;

import java.util.Comparator;
import java.util.List;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Files that diffusers and transformers save with a {@code variant}: the same weights in another
 * type, {@code model.fp16.safetensors} beside {@code model.safetensors}; see {@code _add_variant}
 * of both. A folder with several variants is read as one of them.
 */
final class Variants {
  private static final String STEM = "(?:diffusion_pytorch_model|pytorch_model|model)";
  private static final String PART = "(?:-[0-9]{5}-of-[0-9]{5})";
  private static final String VARIANT = "(?:\\.([A-Za-z0-9_]{1,16}))?";

  private static final Pattern FILE =
      Pattern.compile(
          STEM
              + VARIANT
              + PART
              + "?"
              + "\\.safetensors|"
              + STEM
              + PART
              + VARIANT
              + "\\.safetensors");

  private static final Pattern INDEX =
      Pattern.compile(
          STEM
              + VARIANT
              + "\\.safetensors\\.index\\.json|"
              + STEM
              + "\\.safetensors\\.index"
              + VARIANT
              + "\\.json");

  /** Without a variant first, then by how much of the published BF16 weights is left. */
  private static final List<String> PREFERRED = List.of("", "bf16", "fp32", "fp16");

  private Variants() {}

  /** Those files of one checkpoint that belong together; all when they are no variants. */
  static SortedSet<String> files(SortedSet<String> names) {
    return one(names, FILE);
  }

  /** The index of the preferred variant; all when they are no variants. */
  static SortedSet<String> indexes(SortedSet<String> names) {
    return one(names, INDEX);
  }

  /** Whether a name is that of an index with a variant. */
  static boolean isIndex(String name) {
    return INDEX.matcher(name).matches();
  }

  private static SortedSet<String> one(SortedSet<String> names, Pattern pattern) {
    SortedMap<String, SortedSet<String>> byVariant =
        new TreeMap<>(Comparator.comparingInt(Variants::rank).thenComparing(name -> name));
    for (String name : names) {
      Matcher matcher = pattern.matcher(name);
      if (!matcher.matches()) {
        return names;
      }
      String variant = matcher.group(1) == null ? matcher.group(2) : matcher.group(1);
      byVariant.computeIfAbsent(variant == null ? "" : variant, _ -> new TreeSet<>()).add(name);
    }
    return byVariant.isEmpty() ? names : byVariant.firstEntry().getValue();
  }

  private static int rank(String variant) {
    int rank = PREFERRED.indexOf(variant);
    return rank < 0 ? PREFERRED.size() : rank;
  }
}
