package inkstone.loader;

import inkstone.loader.json.Json;
import inkstone.loader.safetensors.SafetensorsFile;
import inkstone.memory.TensorArena;
import inkstone.tensor.Tensor;
import java.nio.file.Path;
import java.util.Set;

/**
 * One file of {@code reference/golden}: tensors that the Python reference produced. A test that
 * cannot open its golden fails; there is no skipping.
 *
 * <pre>{@code
 * try (Golden golden = Golden.open("schedule")) {
 *   float[] sigmas = golden.floats("sigmas.20");
 *   int steps = golden.request().get("steps").asInt();
 * }
 * }</pre>
 */
public final class Golden implements AutoCloseable {
  private final TensorArena arena;
  private final SafetensorsFile file;

  private Golden(TensorArena arena, SafetensorsFile file) {
    this.arena = arena;
    this.file = file;
  }

  /** Root of the project, from the system property {@code inkstone.root}. */
  public static Path root() {
    String root = System.getProperty("inkstone.root");
    if (root == null) {
      throw new AssertionError("set -Dinkstone.root to the project's folder");
    }
    return Path.of(root);
  }

  /** A path below {@code reference/golden}. */
  public static Path path(String name) {
    return root().resolve("reference").resolve("golden").resolve(name);
  }

  /** The embedded tiny model's folder. */
  public static Path tinyModel() {
    return root().resolve("models").resolve("tiny-qwen-image-edit");
  }

  /**
   * Opens a golden file.
   *
   * @param name path below {@code reference/golden}, with or without ".safetensors"
   */
  public static Golden open(String name) throws CheckpointException {
    return openFile(path(name.endsWith(".safetensors") ? name : name + ".safetensors"));
  }

  /** Opens a safetensors file anywhere. */
  public static Golden openFile(Path path) throws CheckpointException {
    TensorArena arena = TensorArena.open("golden " + path.getFileName());
    try {
      return new Golden(arena, SafetensorsFile.open(arena, path));
    } catch (CheckpointException e) {
      arena.close();
      throw e;
    }
  }

  /** A JSON file below {@code reference/golden}. */
  public static Json json(String name) throws CheckpointException {
    return Json.read(path(name));
  }

  public Set<String> names() {
    return file.names();
  }

  public boolean has(String name) {
    return file.names().contains(name);
  }

  /** A tensor by name; it lives until this golden is closed. */
  public Tensor tensor(String name) {
    if (!has(name)) {
      throw new AssertionError("no golden tensor " + name + " in " + file.file() + ": " + names());
    }
    return file.tensor(name);
  }

  /** All elements as floats. */
  public float[] floats(String name) {
    return tensor(name).toFloatArray();
  }

  /** All elements of an integer tensor. */
  public long[] longs(String name) {
    Tensor tensor = tensor(name);
    long[] values = new long[Math.toIntExact(tensor.elements())];
    for (int i = 0; i < values.length; i++) {
      values[i] = tensor.getLong(i);
    }
    return values;
  }

  /** All elements of an integer tensor that fit an int. */
  public int[] ints(String name) {
    long[] wide = longs(name);
    int[] values = new int[wide.length];
    for (int i = 0; i < values.length; i++) {
      values[i] = Math.toIntExact(wide[i]);
    }
    return values;
  }

  /** A view of the file as weights. */
  public Weights weights() {
    return Weights.of(file);
  }

  /** What was run, from the metadata key {@code request}. */
  public Json request() throws CheckpointException {
    return Json.parse(metadata("request"), file.file() + " request");
  }

  /** Name of the case, from the metadata key {@code case}. */
  public String caseName() {
    return metadata("case");
  }

  /** The arena of the file, for tensors that shall live as long. */
  public TensorArena arena() {
    return arena;
  }

  private String metadata(String key) {
    String value = file.metadata().get(key);
    if (value == null) {
      throw new AssertionError("no metadata " + key + " in " + file.file());
    }
    return value;
  }

  @Override
  public void close() {
    arena.close();
  }
}
