package inkstone.loader;

import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.SortedSet;
import java.util.TreeSet;

/** What a folder holds of one kind. */
public final class FolderFiles {
  private static final int MAX_FILES = 10_000;

  private FolderFiles() {}

  /**
   * Names of the files that are of a kind by their content, or that claim it by their ending (so
   * that a damaged one is reported and not passed over), sorted. Hidden files don't count, nor do
   * files after the first 10,000.
   */
  public static SortedSet<String> named(Path folder, FileKind kind, String ending)
      throws CheckpointException {
    TreeSet<String> names = new TreeSet<>();
    int seen = 0;
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(folder)) {
      for (Path entry : entries) {
        String name = entry.getFileName().toString();
        if (!name.startsWith(".")
            && (name.endsWith(ending) || !UnfinishedDownloads.isOne(entry) && isOf(entry, kind))) {
          names.add(name);
        }
        if (++seen == MAX_FILES) {
          break;
        }
      }
    } catch (IOException e) {
      throw CheckpointException.unreadable(CheckpointException.quote(folder), e);
    } catch (DirectoryIteratorException e) {
      throw CheckpointException.unreadable(CheckpointException.quote(folder), e.getCause());
    }
    return names;
  }

  private static boolean isOf(Path file, FileKind kind) {
    try {
      return Files.isRegularFile(file) && FileKind.of(file) == kind;
    } catch (CheckpointException e) {
      // Nobody asked for a file that claims nothing and cannot be read.
      return false;
    }
  }
}
