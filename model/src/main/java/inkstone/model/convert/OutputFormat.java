package inkstone.model.convert;

import java.util.Locale;

/** How the tensors are stored. */
public enum OutputFormat {
  SAFETENSORS,
  GGUF;

  /** As in the ending of a file's name. */
  public String suffix() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** By the ending of a file's name, or null. */
  public static OutputFormat of(String fileName) {
    for (OutputFormat format : values()) {
      if (fileName.toLowerCase(Locale.ROOT).endsWith("." + format.suffix())) {
        return format;
      }
    }
    return null;
  }
}
