package inkstone.loader;

import inkstone.tensor.Tensor;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;

/** Several files as one checkpoint, each tensor taken from exactly one of them. */
public final class JoinedCheckpoint implements TensorSource {
  /** The largest published checkpoints have a few hundred parts. */
  public static final int MAX_FILES = 1024;

  /** Estimated heap of all headers together. */
  private static final long MAX_KEPT_BYTES = 64L << 20;

  private final Path path;
  private final SortedMap<String, TensorSource> fileOf;
  private final List<TensorSource> files;

  private JoinedCheckpoint(
      Path path, SortedMap<String, TensorSource> fileOf, List<TensorSource> files) {
    this.path = path;
    this.fileOf = Collections.unmodifiableSortedMap(fileOf);
    this.files = List.copyOf(files);
  }

  /**
   * A checkpoint of which it is known what lies where.
   *
   * @param path of the folder or the index, for messages
   * @param fileOf the file of each tensor
   * @param files all of them, in order
   */
  public static JoinedCheckpoint of(
      Path path,
      SortedMap<String, ? extends TensorSource> fileOf,
      List<? extends TensorSource> files) {
    return new JoinedCheckpoint(path, new TreeMap<>(fileOf), List.copyOf(files));
  }

  /** Collects files that nothing but their content joins. */
  public static final class Builder {
    private final Path folder;
    private final SortedMap<String, TensorSource> fileOf = new TreeMap<>();
    private final List<TensorSource> files = new ArrayList<>();
    private long keptBytes;

    public Builder(Path folder) {
      this.folder = folder;
    }

    /**
     * Adds a file.
     *
     * @param headerBytes estimated heap of its header
     * @throws CheckpointException when a tensor is in an earlier file too, or the headers together
     *     would take too much memory
     */
    public Builder add(TensorSource file, long headerBytes) throws CheckpointException {
      keptBytes += headerBytes;
      if (keptBytes > MAX_KEPT_BYTES || files.size() == MAX_FILES) {
        throw CheckpointException.of(
            "weights: files of one checkpoint, expected at most "
                + MAX_FILES
                + " with headers of "
                + MAX_KEPT_BYTES
                + " bytes of memory together, got more with "
                + file.where(""),
            CheckpointException.quote(folder),
            "give the path of the one file to use");
      }
      for (String name : file.names()) {
        TensorSource earlier = fileOf.putIfAbsent(name, file);
        if (earlier != null) {
          throw CheckpointException.of(
              "weights: expected one checkpoint in the folder, got two with a tensor "
                  + CheckpointException.quote(name)
                  + ": "
                  + earlier.where(name)
                  + " and "
                  + file.where(name),
              CheckpointException.quote(folder),
              "give the path of the one to use");
        }
      }
      files.add(file);
      return this;
    }

    public JoinedCheckpoint build() {
      return new JoinedCheckpoint(folder, fileOf, files);
    }
  }

  /** The files, in the order in which they were added. */
  public List<TensorSource> files() {
    return files;
  }

  @Override
  public Set<String> names() {
    return fileOf.keySet();
  }

  @Override
  public Tensor tensor(String name) {
    TensorSource file = fileOf.get(name);
    if (file == null) {
      throw new IllegalArgumentException(
          "JoinedCheckpoint.tensor: no tensor " + CheckpointException.quote(name) + " in " + path);
    }
    return file.tensor(name);
  }

  @Override
  public String where(String name) {
    TensorSource file = fileOf.get(name);
    return file == null ? CheckpointException.quote(path) : file.where(name);
  }

  /** Metadata of the first file; writers store what describes the model there. */
  @Override
  public Map<String, String> metadata() {
    return files.isEmpty() ? Map.of() : files.getFirst().metadata();
  }
}
