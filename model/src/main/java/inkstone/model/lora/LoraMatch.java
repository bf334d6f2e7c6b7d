package inkstone.model.lora;

import inkstone.loader.CheckpointException;
import inkstone.loader.TensorSource;
import inkstone.loader.config.TransformerConfig;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * Which layers of a transformer a LoRA file is for, judged by names alone.
 *
 * @param matched paths of the transformer's layers, sorted
 * @param unmatched modules that the file spells and the transformer doesn't have, sorted
 * @param unused tensors whose names end in no way that is known, sorted
 * @param refused tensors that make the file unfit: DoRA and Tucker decompositions, sorted
 */
public record LoraMatch(
    List<String> matched, List<String> unmatched, List<String> unused, List<String> refused) {
  /** Names that a message lists. */
  private static final int SHOWN = 3;

  public LoraMatch {
    matched = List.copyOf(matched);
    unmatched = List.copyOf(unmatched);
    unused = List.copyOf(unused);
    refused = List.copyOf(refused);
  }

  /** Matches a file's names with the layers of a transformer, which need not be there. */
  public static LoraMatch of(TensorSource file, TransformerConfig config) {
    return Names.of(file.names(), new ModuleNames(config)).match();
  }

  /** Whether any tensor looks like a LoRA's, for any model. */
  public static boolean looksLikeLora(Set<String> names) {
    return names.stream()
        .map(LoraKey::of)
        .anyMatch(
            key -> key != null && key.part() != LoraPart.DIFF && key.part() != LoraPart.DIFF_BIAS);
  }

  /** What of the file does nothing, in one line; empty when all of it does something. */
  public String warning() {
    StringBuilder text = new StringBuilder();
    if (!unmatched.isEmpty()) {
      text.append(unmatched.size())
          .append(" of ")
          .append(unmatched.size() + matched.size())
          .append(" modules match no layer of this model: ")
          .append(first(unmatched));
    }
    if (!unused.isEmpty()) {
      text.append(text.isEmpty() ? "" : "; ")
          .append(unused.size())
          .append(unused.size() == 1 ? " tensor has" : " tensors have")
          .append(" an unknown kind of name: ")
          .append(first(unused));
    }
    return text.toString();
  }

  /** Some of the names, quoted as they are fit for a message. */
  static String first(List<String> names) {
    List<String> quoted = names.stream().limit(SHOWN).map(CheckpointException::quote).toList();
    return String.join(", ", quoted) + (names.size() > SHOWN ? ", …" : "");
  }

  /**
   * A file's names sorted out.
   *
   * @param layers tensor names by path and part
   * @param twice a tensor that is given in two spellings, or null
   */
  record Names(Map<String, Map<LoraPart, String>> layers, LoraMatch match, String twice) {
    static Names of(Set<String> names, ModuleNames modules) {
      Map<String, Map<LoraPart, String>> layers = new TreeMap<>();
      TreeSet<String> unmatched = new TreeSet<>();
      List<String> unused = new ArrayList<>();
      List<String> refused = new ArrayList<>();
      String twice = null;
      for (String name : names) {
        LoraKey key = LoraKey.of(name);
        if (key == null) {
          unused.add(name);
          continue;
        }
        if (key.part() == LoraPart.DORA || key.part() == LoraPart.TUCKER) {
          refused.add(name);
          continue;
        }
        String path = modules.path(key.module());
        if (path == null) {
          unmatched.add(key.module());
          continue;
        }
        String before =
            layers.computeIfAbsent(path, p -> new EnumMap<>(LoraPart.class)).put(key.part(), name);
        twice = before == null ? twice : name;
      }
      layers
          .values()
          .removeIf(parts -> {
            boolean alone = parts.keySet().equals(EnumSet.of(LoraPart.ALPHA));
            if (alone) {
              unused.add(parts.get(LoraPart.ALPHA));
            }
            return alone;
          });
      Collections.sort(unused);
      LoraMatch match =
          new LoraMatch(List.copyOf(layers.keySet()), List.copyOf(unmatched), unused, refused);
      return new Names(layers, match, twice);
    }
  }
}
