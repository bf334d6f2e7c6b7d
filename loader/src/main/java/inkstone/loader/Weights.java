package inkstone.loader;

import inkstone.memory.TensorArena;
import inkstone.tensor.DType;
import inkstone.tensor.Shape;
import inkstone.tensor.Tensor;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.EnumSet;
import java.util.Map;
import java.util.ServiceLoader;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.UnaryOperator;

/**
 * A read-only cursor over the tensors of one component. A model asks with the name and the shape it
 * expects; both are in the message when the file has something else. Tensors are views of mapped
 * files: nothing is copied or widened, and they live as long as the arena. Thread-safe.
 *
 * <pre>{@code
 * Weights block = weights.at("transformer_blocks", 3);
 * Tensor w = block.tensor("attn.to_q.weight", 3072, 3072); // [N, K]
 * }</pre>
 */
public final class Weights {
  private static final Set<DType> TYPES =
      Collections.unmodifiableSet(
          EnumSet.complementOf(
              EnumSet.of(
                  DType.F64, DType.I64, DType.I32, DType.I16, DType.I8, DType.U8, DType.BOOL)));

  private final TensorSource source;
  private final WeightsAudit audit;
  private final String prefix;
  // Null while names are asked for as they are stored.
  private final UnaryOperator<String> toStored;

  private Weights(
      TensorSource source, WeightsAudit audit, String prefix, UnaryOperator<String> toStored) {
    this.source = source;
    this.audit = audit;
    this.prefix = prefix;
    this.toStored = toStored;
  }

  /**
   * Opens the checkpoint of one component, memory-mapped. What a file is, its content says.
   *
   * @param path a component folder ({@code transformer/}), an index, or one file
   */
  public static Weights open(TensorArena arena, Path path) throws CheckpointException {
    return of(source(arena, path));
  }

  /** The checkpoint behind {@link #open}, under the names of the file. */
  public static TensorSource source(TensorArena arena, Path path) throws CheckpointException {
    boolean folder = Files.isDirectory(path);
    StringBuilder known = new StringBuilder();
    for (CheckpointFormat format :
        ServiceLoader.load(CheckpointFormat.class, Weights.class.getClassLoader())) {
      Path file = folder ? format.find(path) : format.reads(path) ? path : null;
      if (file != null) {
        return format.open(arena, file);
      }
      known.append(known.isEmpty() ? "" : " or ").append(format.name());
    }
    FileKind kind = folder ? null : FileKind.of(path);
    throw CheckpointException.of(
        "weights: expected a "
            + known
            + " checkpoint, got "
            + (folder
                ? "a folder without one" + UnfinishedDownloads.said(path)
                : kind.description()),
        CheckpointException.quote(path),
        folder ? "download the weights of this component, or give their path" : kind.advice());
  }

  /** A cursor at the root of an open checkpoint. */
  public static Weights of(TensorSource source) {
    return new Weights(source, new WeightsAudit(source.names()), "", null);
  }

  /** The cursor one module deeper: {@code at("img_in").tensor("weight", …)} is "img_in.weight". */
  public Weights at(String module) {
    return module.isEmpty() ? this : new Weights(source, audit, prefix + module + ".", toStored);
  }

  /** The cursor at module {@code i} of a list: {@code at("blocks", 3)} is "blocks.3.". */
  public Weights at(String module, int i) {
    return at(module + "." + i);
  }

  /**
   * The same tensors under other names.
   *
   * @param rename gives the stored name for the full name that the model asks with
   */
  public Weights renamed(UnaryOperator<String> rename) {
    return new Weights(
        source,
        audit,
        prefix,
        toStored == null ? rename : name -> toStored.apply(rename.apply(name)));
  }

  /**
   * A weight of a type that ops take: F32, BF16, F16, an 8-bit float, or quantised blocks.
   *
   * @param shape the expected shape, exactly; none for a scalar
   * @throws CheckpointException when it is missing, has another shape, or a dtype that no op takes
   */
  public Tensor tensor(String name, long... shape) throws CheckpointException {
    Tensor tensor = read(name);
    if (!tensor.shape().equals(Shape.of(shape))) {
      throw CheckpointException.of(
          "weights: tensor "
              + CheckpointException.quote(stored(name))
              + ", expected shape "
              + Shape.of(shape)
              + ", got "
              + tensor.shape(),
          source.where(stored(name)),
          "the weights belong to another config.json: use the two of one model");
    }
    if (!TYPES.contains(tensor.dtype())) {
      throw CheckpointException.of(
          "weights: tensor "
              + CheckpointException.quote(stored(name))
              + ", expected a dtype of "
              + TYPES
              + ", got "
              + tensor.dtype(),
          source.where(stored(name)),
          "use the BF16 or F32 weights of this model");
    }
    return tensor;
  }

  /** As {@link #tensor}, but null when the checkpoint has no such tensor. */
  public Tensor optional(String name, long... shape) throws CheckpointException {
    return has(name) ? tensor(name, shape) : null;
  }

  /** A tensor of any dtype and shape. */
  public Tensor read(String name) throws CheckpointException {
    String stored = stored(name);
    if (!source.names().contains(stored)) {
      throw CheckpointException.of(
          "weights: tensor "
              + CheckpointException.quote(stored)
              + " is missing; the nearest names are "
              + NearestNames.describe(stored, source.names()),
          source.where(stored),
          "the weights are incomplete or of another model: download them again");
    }
    audit.take(stored);
    return source.tensor(stored);
  }

  public boolean has(String name) {
    return source.names().contains(stored(name));
  }

  /**
   * What {@link #tensor} accepts here, sorted: the names below this cursor, without its prefix. A
   * {@link #renamed} cursor cannot turn names back and lists all names as they are stored.
   */
  public Set<String> names() {
    if (prefix.isEmpty() || toStored != null) {
      return source.names();
    }
    TreeSet<String> below = new TreeSet<>();
    for (String name : source.names()) {
      if (name.startsWith(prefix)) {
        below.add(name.substring(prefix.length()));
      }
    }
    return Collections.unmodifiableSet(below);
  }

  /** Where this cursor stands, as "transformer_blocks.3.attn.to_q"; empty at the root. */
  public String path() {
    return prefix.isEmpty() ? "" : prefix.substring(0, prefix.length() - 1);
  }

  /** Which tensors were read so far, through any cursor of this checkpoint. */
  public WeightsAudit audit() {
    return audit;
  }

  /** Free text that the writer stored beside the tensors. */
  public Map<String, String> metadata() {
    return source.metadata();
  }

  /** The file that holds the tensor of that name, for messages. */
  public String where(String name) {
    return source.where(stored(name));
  }

  private String stored(String name) {
    return toStored == null ? prefix + name : toStored.apply(prefix + name);
  }
}
