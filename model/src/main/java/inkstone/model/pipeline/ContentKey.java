package inkstone.model.pipeline;

import inkstone.model.image.Size;
import inkstone.model.text.PromptTemplate;
import inkstone.model.vae.Tiling;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * All that a remembered value depends on besides the engine's own model, compared by value.
 *
 * @param pictures in order; one, but for {@link CacheKind#PROMPT_EMBEDS}
 * @param parameters by name
 */
record ContentKey(CacheKind kind, List<Seen> pictures, Map<String, Object> parameters) {
  /**
   * A picture as a part of the model sees it.
   *
   * @param digest of the picture as it was given
   * @param size to which it is scaled
   */
  record Seen(String digest, Size size) {}

  ContentKey {
    pictures = List.copyOf(pictures);
    parameters = Map.copyOf(parameters);
  }

  static ContentKey latents(Seen picture, Tiling tiling) {
    return new ContentKey(CacheKind.REFERENCE_LATENTS, List.of(picture), Map.of("tiling", tiling));
  }

  static ContentKey features(Seen picture) {
    return new ContentKey(CacheKind.VISION_FEATURES, List.of(picture), Map.of());
  }

  static ContentKey embeds(PromptTemplate template, String prompt, List<Seen> pictures) {
    return new ContentKey(
        CacheKind.PROMPT_EMBEDS, pictures, Map.of("template", template, "prompt", prompt));
  }

  /** Names of the fields in which this and {@code other}, of the same kind, differ. */
  List<String> differences(ContentKey other) {
    List<String> names = new ArrayList<>();
    if (kind == CacheKind.PROMPT_EMBEDS) {
      if (!pictures.equals(other.pictures)) {
        names.add("pictures");
      }
    } else {
      Seen mine = pictures.getFirst();
      Seen others = other.pictures.getFirst();
      if (!mine.digest().equals(others.digest())) {
        names.add("pixels");
      }
      if (!mine.size().equals(others.size())) {
        names.add("size");
      }
    }
    parameters.keySet().stream()
        .sorted()
        .filter(name -> !parameters.get(name).equals(other.parameters.get(name)))
        .forEach(names::add);
    return names;
  }

  boolean shows(String digest) {
    return pictures.stream().anyMatch(picture -> picture.digest().equals(digest));
  }

  /** Heap bytes of texts of any length: a cache of bounded size must count them. */
  long textBytes() {
    return parameters.get("prompt") instanceof String prompt
        ? (long) prompt.length() * Character.BYTES
        : 0;
  }
}
