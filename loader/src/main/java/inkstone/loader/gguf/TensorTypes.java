package inkstone.loader.gguf;

import inkstone.tensor.DType;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Numbers of tensor types, as in gguf-py's {@code GGMLQuantizationType}. */
final class TensorTypes {
  private static final Map<Integer, DType> READABLE =
      Map.ofEntries(
          Map.entry(0, DType.F32),
          Map.entry(1, DType.F16),
          Map.entry(2, DType.Q4_0),
          Map.entry(3, DType.Q4_1),
          Map.entry(6, DType.Q5_0),
          Map.entry(7, DType.Q5_1),
          Map.entry(8, DType.Q8_0),
          Map.entry(10, DType.Q2_K),
          Map.entry(11, DType.Q3_K),
          Map.entry(12, DType.Q4_K),
          Map.entry(13, DType.Q5_K),
          Map.entry(14, DType.Q6_K),
          Map.entry(20, DType.IQ4_NL),
          Map.entry(23, DType.IQ4_XS),
          Map.entry(24, DType.I8),
          Map.entry(25, DType.I16),
          Map.entry(26, DType.I32),
          Map.entry(27, DType.I64),
          Map.entry(28, DType.F64),
          Map.entry(30, DType.BF16));

  /** Types that exist and are not read here, so that a message can name them. */
  private static final Map<Integer, String> OTHERS =
      Map.ofEntries(
          Map.entry(4, "Q4_2"),
          Map.entry(5, "Q4_3"),
          Map.entry(9, "Q8_1"),
          Map.entry(15, "Q8_K"),
          Map.entry(16, "IQ2_XXS"),
          Map.entry(17, "IQ2_XS"),
          Map.entry(18, "IQ3_XXS"),
          Map.entry(19, "IQ1_S"),
          Map.entry(21, "IQ3_S"),
          Map.entry(22, "IQ2_S"),
          Map.entry(29, "IQ1_M"),
          Map.entry(34, "TQ1_0"),
          Map.entry(35, "TQ2_0"),
          Map.entry(39, "MXFP4"),
          Map.entry(40, "NVFP4"),
          Map.entry(41, "Q1_0"));

  private TensorTypes() {}

  /** The type of that number, or null when it is not read here. */
  static DType of(int number) {
    return READABLE.get(number);
  }

  /** A number in words, for messages. */
  static String describe(int number) {
    DType dtype = READABLE.get(number);
    String name = dtype == null ? OTHERS.get(number) : dtype.name();
    return name == null
        ? "type number " + Integer.toUnsignedString(number)
        : name + " (type number " + number + ")";
  }

  /** What can be read, in the order of {@link DType}. */
  static List<DType> readable() {
    List<DType> types = new ArrayList<>(READABLE.values());
    types.sort(null);
    return types;
  }
}
