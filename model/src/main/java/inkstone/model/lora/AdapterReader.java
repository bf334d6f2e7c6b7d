package inkstone.model.lora;

import inkstone.loader.CheckpointException;
import inkstone.loader.Weights;
import inkstone.memory.TensorArena;
import inkstone.tensor.DType;
import inkstone.tensor.Tensor;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The change of one layer by one file, its tensors checked against the layer's sizes. Formulas are
 * those of peft's {@code tuners/{lora,loha,lokr}} and ComfyUI's {@code comfy/weight_adapter}.
 */
final class AdapterReader {
  /** More than any that was trained; keeps the buffers of a run in bounds. */
  static final int MAX_RANK = 4096;

  /** Most floats of a left Kronecker factor, and of the product before it for one row. */
  private static final long MAX_KRONECKER = 1 << 22;

  private static final Set<DType> TYPES =
      EnumSet.of(DType.F32, DType.BF16, DType.F16, DType.F8_E4M3, DType.F8_E5M2);

  private static final Set<LoraPart> HADAMARD =
      EnumSet.of(LoraPart.HADA_1A, LoraPart.HADA_1B, LoraPart.HADA_2A, LoraPart.HADA_2B);
  private static final Set<LoraPart> KRONECKER = EnumSet.range(LoraPart.KRON_1, LoraPart.KRON_2B);
  private static final Set<LoraPart> LOW_RANK =
      EnumSet.of(LoraPart.DOWN, LoraPart.UP, LoraPart.UP_BIAS);

  private final Weights file;
  private final TensorArena arena;
  private final String path;
  private final LinearLayers.Size size;
  private final Map<LoraPart, String> names;
  private final double wanted;

  /**
   * @param arena for a small factor that is not kept as it is stored
   * @param path of the layer
   * @param names of the file's tensors for it
   * @param wanted factor beside alpha over rank
   */
  AdapterReader(
      Weights file,
      TensorArena arena,
      String path,
      LinearLayers.Size size,
      Map<LoraPart, String> names,
      double wanted) {
    this.file = file;
    this.arena = arena;
    this.path = path;
    this.size = size;
    this.names = names;
    this.wanted = wanted;
  }

  /** A change of the bias. */
  record BiasDelta(Tensor values, float scale) {}

  /** The change of the weight, or null when the file has none for this layer. */
  Adapter weight() throws CheckpointException {
    boolean lowRank = any(LOW_RANK);
    boolean hadamard = any(HADAMARD);
    boolean kronecker = any(KRONECKER);
    boolean delta = has(LoraPart.DIFF);
    int kinds = (lowRank ? 1 : 0) + (hadamard ? 1 : 0) + (kronecker ? 1 : 0) + (delta ? 1 : 0);
    if (kinds > 1) {
      throw unfit("one of LoRA, LoHa, LoKr and a whole difference", "several", any());
    }
    if (lowRank) {
      return lowRank();
    }
    if (hadamard) {
      return hadamard();
    }
    if (kronecker) {
      return kronecker();
    }
    if (delta) {
      return new WholeDelta(tensor(LoraPart.DIFF, size.out(), size.in()), (float) wanted);
    }
    return null;
  }

  /** Changes of the bias, none to two. */
  List<BiasDelta> bias() throws CheckpointException {
    if (has(LoraPart.DIFF_BIAS) && has(LoraPart.UP_BIAS)) {
      throw unfit("one difference of the bias", "two", LoraPart.DIFF_BIAS);
    }
    if (has(LoraPart.DIFF_BIAS)) {
      return List.of(new BiasDelta(tensor(LoraPart.DIFF_BIAS, size.out()), (float) wanted));
    }
    if (has(LoraPart.UP_BIAS)) {
      float scale = scale(read(LoraPart.DOWN).dim(0));
      return List.of(new BiasDelta(tensor(LoraPart.UP_BIAS, size.out()), scale));
    }
    return List.of();
  }

  private LowRank lowRank() throws CheckpointException {
    long rank = rank(LoraPart.DOWN, 0);
    Tensor down = tensor(LoraPart.DOWN, rank, size.in());
    return new LowRank(down, tensor(LoraPart.UP, size.out(), rank), scale(rank));
  }

  private Hadamard hadamard() throws CheckpointException {
    long first = rank(LoraPart.HADA_1B, 0);
    long second = rank(LoraPart.HADA_2B, 0);
    return new Hadamard(
        tensor(LoraPart.HADA_1A, size.out(), first),
        tensor(LoraPart.HADA_1B, first, size.in()),
        tensor(LoraPart.HADA_2A, size.out(), second),
        tensor(LoraPart.HADA_2B, second, size.in()),
        scale(first));
  }

  /** Alpha counts only where a factor is a product itself, and by the right one's rank first. */
  private KroneckerFactors kronecker() throws CheckpointException {
    long rank = 0;
    Tensor left;
    if (has(LoraPart.KRON_1)) {
      left = wide(read(LoraPart.KRON_1));
    } else {
      rank = rank(LoraPart.KRON_1B, 0);
      Tensor up = tensor(LoraPart.KRON_1A, read(LoraPart.KRON_1A).dim(0), rank);
      left = product(up, tensor(LoraPart.KRON_1B, rank, read(LoraPart.KRON_1B).dim(1)));
    }
    long out = size.out() / left.dim(0);
    long in = size.in() / left.dim(1);
    if (out * left.dim(0) != size.out() || in * left.dim(1) != size.in()) {
      throw unfit("a left factor that divides " + size, left.shape(), first(LoraPart.KRON_1));
    }
    if (left.dim(1) * out > MAX_KRONECKER) {
      throw unfit("factors of like sizes", left.shape(), first(LoraPart.KRON_1));
    }
    if (has(LoraPart.KRON_2)) {
      Tensor right = tensor(LoraPart.KRON_2, out, in);
      return new KroneckerFactors(left, right, null, rank == 0 ? plainScale() : scale(rank));
    }
    rank = rank(LoraPart.KRON_2B, 0);
    return new KroneckerFactors(
        left, tensor(LoraPart.KRON_2A, out, rank), tensor(LoraPart.KRON_2B, rank, in), scale(rank));
  }

  private LoraPart first(LoraPart whole) {
    return has(whole) ? whole : LoraPart.KRON_1A;
  }

  /** A small factor as F32. */
  private Tensor wide(Tensor factor) throws CheckpointException {
    if (factor.rank() != 2 || factor.elements() == 0 || factor.elements() > MAX_KRONECKER) {
      throw unfit("a matrix of at most " + MAX_KRONECKER, factor.shape(), LoraPart.KRON_1);
    }
    if (!TYPES.contains(factor.dtype())) {
      throw unfit("a type of " + TYPES, factor.dtype(), LoraPart.KRON_1);
    }
    return factor.dtype() == DType.F32
        ? factor
        : Tensor.of(arena, factor.name(), factor.toFloatArray(), factor.dim(0), factor.dim(1));
  }

  private Tensor product(Tensor up, Tensor down) throws CheckpointException {
    long rows = up.dim(0);
    long columns = down.dim(1);
    if (rows == 0 || columns == 0 || rows > MAX_KRONECKER / columns) {
      throw unfit("a left factor of at most " + MAX_KRONECKER, up.shape(), LoraPart.KRON_1A);
    }
    float[] a = up.toFloatArray();
    float[] b = down.toFloatArray();
    int rank = Math.toIntExact(up.dim(1));
    int width = Math.toIntExact(columns);
    float[] values = new float[Math.toIntExact(rows * columns)];
    for (int row = 0; row < rows; row++) {
      for (int i = 0; i < rank; i++) {
        for (int column = 0; column < width; column++) {
          values[row * width + column] += a[row * rank + i] * b[i * width + column];
        }
      }
    }
    return Tensor.of(arena, up.name(), values, rows, columns);
  }

  /** Alpha over rank, times what is wanted. */
  private float scale(long rank) throws CheckpointException {
    if (!has(LoraPart.ALPHA)) {
      return plainScale();
    }
    Tensor alpha = read(LoraPart.ALPHA);
    if (alpha.elements() != 1) {
      throw unfit("one number", alpha.shape(), LoraPart.ALPHA);
    }
    float value = alpha.getFloat(0);
    if (!Float.isFinite(value)) {
      throw unfit("a finite number", value, LoraPart.ALPHA);
    }
    return (float) (wanted * value / rank);
  }

  private float plainScale() {
    return (float) wanted;
  }

  private boolean has(LoraPart part) {
    return names.containsKey(part);
  }

  private boolean any(Set<LoraPart> parts) {
    return parts.stream().anyMatch(names::containsKey);
  }

  private LoraPart any() {
    return names.keySet().iterator().next();
  }

  private long rank(LoraPart part, int dimension) throws CheckpointException {
    Tensor tensor = read(part);
    long rank = tensor.rank() == 2 ? tensor.dim(dimension) : 0;
    if (rank < 1 || rank > MAX_RANK) {
      throw unfit("a matrix of rank 1 to " + MAX_RANK, tensor.shape(), part);
    }
    return rank;
  }

  private Tensor read(LoraPart part) throws CheckpointException {
    String name = names.get(part);
    if (name == null) {
      throw unfit("its " + part.word() + " too", "the other half alone", any());
    }
    return file.read(name);
  }

  private Tensor tensor(LoraPart part, long... shape) throws CheckpointException {
    Tensor tensor = read(part);
    if (!Arrays.equals(tensor.shape().toArray(), shape)) {
      throw unfit("shape " + Arrays.toString(shape), tensor.shape(), part);
    }
    if (!TYPES.contains(tensor.dtype())) {
      throw unfit("a type of " + TYPES, tensor.dtype(), part);
    }
    return tensor;
  }

  private CheckpointException unfit(String expected, Object got, LoraPart part) {
    String name = names.get(part) == null ? names.get(any()) : names.get(part);
    return CheckpointException.of(
        "LoRA: tensor "
            + CheckpointException.quote(name)
            + " of layer "
            + path
            + " "
            + size
            + ", expected "
            + expected
            + ", got "
            + got,
        file.where(name),
        "it is damaged or for another model: give a LoRA of this one");
  }
}
