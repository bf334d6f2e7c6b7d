package inkstone.model.convert;

import inkstone.loader.CheckpointException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;

/** Files and folders that a run made; they go away when it fails, what was there before stays. */
final class Rollback {
  private final Deque<Path> made = new ArrayDeque<>();

  /** Makes a folder where there is none. */
  void folder(Path folder) throws IOException {
    if (!Files.isDirectory(folder)) {
      Files.createDirectory(folder);
      made.push(folder);
    }
  }

  /** Call before a file is written. */
  void file(Path file) {
    if (!Files.exists(file)) {
      made.push(file);
    }
  }

  /**
   * Takes everything back, the last first.
   *
   * @param cause what failed; a file that can't be deleted is added to it
   */
  void undo(Throwable cause) {
    while (!made.isEmpty()) {
      Path path = made.pop();
      try {
        Files.deleteIfExists(path);
      } catch (IOException e) {
        // A folder that is not empty holds what somebody else put there meanwhile.
        cause.addSuppressed(CheckpointException.unreadable(CheckpointException.quote(path), e));
      }
    }
  }
}
