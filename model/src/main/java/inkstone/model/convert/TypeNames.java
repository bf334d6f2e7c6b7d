package inkstone.model.convert;

import inkstone.tensor.DType;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/** The types that can be written, as users spell them. */
public final class TypeNames {
  /** Widest first. */
  private static final List<DType> WRITABLE =
      List.of(
          DType.F32,
          DType.BF16,
          DType.F16,
          DType.Q8_0,
          DType.Q6_K,
          DType.Q5_K,
          DType.Q5_1,
          DType.Q5_0,
          DType.Q4_K,
          DType.Q4_1,
          DType.Q4_0);

  private TypeNames() {}

  /**
   * The type of that name, upper or lower case.
   *
   * @return null when there is none that can be written
   */
  public static DType parse(String text) {
    for (DType type : WRITABLE) {
      if (type.name().equalsIgnoreCase(text.strip())) {
        return type;
      }
    }
    return null;
  }

  /** All of them, for messages. */
  public static String all() {
    return WRITABLE.stream().map(TypeNames::of).collect(Collectors.joining(", "));
  }

  static String of(DType type) {
    return type.name().toLowerCase(Locale.ROOT);
  }
}
