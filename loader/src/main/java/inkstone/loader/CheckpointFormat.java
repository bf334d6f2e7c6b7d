package inkstone.loader;

import inkstone.memory.TensorArena;
import java.nio.file.Path;

/**
 * One way to store tensors on disk. Implementations are found by {@link java.util.ServiceLoader},
 * so that {@link Weights} refers to none of them and the packages form no cycle.
 */
public interface CheckpointFormat {
  /** Short name for messages, such as "safetensors". */
  String name();

  /** Whether this format reads that file, judged by its content and never by its name. */
  boolean reads(Path file) throws CheckpointException;

  /**
   * The checkpoint file or index inside a component folder, or the folder itself where several
   * files make up one checkpoint.
   *
   * @return null when the folder has none of this format
   */
  Path find(Path folder) throws CheckpointException;

  /** Opens what {@link #reads} or {@link #find} took; the mapping lives as long as the arena. */
  TensorSource open(TensorArena arena, Path file) throws CheckpointException;
}
