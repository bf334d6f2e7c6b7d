package inkstone.loader;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;

/** Checks on paths that every reader of model files needs. */
public final class CheckpointFiles {
  private CheckpointFiles() {}

  /**
   * Size in bytes of a regular file, links followed. A folder, pipe or device is refused before
   * anyone opens it, because opening a pipe would wait for ever.
   */
  public static long requireFile(Path file) throws CheckpointException {
    BasicFileAttributes attributes;
    try {
      attributes = Files.readAttributes(file, BasicFileAttributes.class);
    } catch (IOException e) {
      throw CheckpointException.unreadable(CheckpointException.quote(file), e);
    }
    if (!attributes.isRegularFile()) {
      throw CheckpointException.of(
          "path: expected a file, got "
              + (attributes.isDirectory() ? "a folder" : "a device or pipe"),
          CheckpointException.quote(file),
          "give the path of the file itself");
    }
    return attributes.size();
  }
}
