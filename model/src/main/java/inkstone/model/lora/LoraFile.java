package inkstone.model.lora;

import java.nio.file.Path;

/**
 * A LoRA file, and how much of it is wanted.
 *
 * @param path of a safetensors file
 * @param scale factor beside its own; 1 as it was trained, negative the other way
 */
public record LoraFile(Path path, double scale) {
  /** Most that a scale may be, either way. */
  public static final double MAX_SCALE = 100;

  public LoraFile {
    if (!(Math.abs(scale) <= MAX_SCALE)) {
      throw new IllegalArgumentException(
          "LoRA scale: expected -"
              + (int) MAX_SCALE
              + " to "
              + (int) MAX_SCALE
              + ", got "
              + scale
              + " ("
              + path
              + "); 1 takes it as it was trained");
    }
  }

  /** As trained. */
  public static LoraFile of(Path path) {
    return new LoraFile(path, 1);
  }

  /** {@code PATH:SCALE}, as the command line reads it. */
  @Override
  public String toString() {
    return path + ":" + number(scale);
  }

  static String number(double scale) {
    return scale == Math.rint(scale) ? String.valueOf((long) scale) : String.valueOf(scale);
  }
}
