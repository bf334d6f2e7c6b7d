package inkstone.app.cli;

import inkstone.app.image.PictureException;
import inkstone.app.image.PictureWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * A folder of files that appear whole: they are written to a folder beside under another name,
 * which then takes the place, or whose files do when the folder was there before.
 */
final class ReportFolder {
  private final String shown;
  private final Path path;

  private ReportFolder(String shown, Path path) {
    this.shown = shown;
    this.path = path;
  }

  /**
   * Finds out whether the folder is there or can be made, and takes these files; leaves nothing
   * behind.
   */
  static ReportFolder check(String option, String name, List<String> files) throws Failure {
    if (name.isBlank()) {
      throw Failure.usage(option + ": the folder's name is empty", "give a name such as out");
    }
    Path path = Paths.of(option, name).toAbsolutePath().normalize();
    try {
      if (Files.isDirectory(path)) {
        for (String file : files) {
          PictureWriter.checkWritable(path.resolve(file));
        }
      } else {
        checkNew(option, name, path);
      }
    } catch (PictureException e) {
      throw Failure.usage(e.getMessage().replaceFirst("^output", option), null, e);
    } catch (IOException e) {
      throw Failure.usage(
          option + ": can't make a folder there: " + e.getMessage(), "give another name", e);
    }
    return new ReportFolder(name, path);
  }

  private static void checkNew(String option, String name, Path path) throws Failure, IOException {
    if (Files.exists(path, LinkOption.NOFOLLOW_LINKS)) {
      throw Failure.usage(option + ": this is no folder: " + name, "give the name of a folder");
    }
    if (!Files.isDirectory(path.getParent())) {
      throw Failure.usage(
          option + ": no such folder: " + path.getParent(), "create it or give another name");
    }
    // The name itself may be too long, which only the system can tell.
    Files.createDirectory(path);
    Files.delete(path);
    Path part = part(path.getParent());
    Files.createDirectory(part);
    Files.delete(part);
  }

  private static Path part(Path parent) {
    return parent.resolve(".inkstone-" + ProcessHandle.current().pid() + "-report.part");
  }

  /** A file in the folder, named as the user named the folder. */
  String shown(String file) {
    return Path.of(shown).resolve(file).toString();
  }

  /** Puts all files in place, in their order; what is there under their names is replaced. */
  void write(Map<String, byte[]> files) throws Failure {
    boolean there = Files.isDirectory(path);
    Path part = part(there ? path : path.getParent());
    try {
      Files.createDirectory(part);
      for (Map.Entry<String, byte[]> file : files.entrySet()) {
        Files.write(part.resolve(file.getKey()), file.getValue());
      }
      if (there) {
        for (String file : files.keySet()) {
          Files.move(part.resolve(file), path.resolve(file), StandardCopyOption.ATOMIC_MOVE);
        }
      } else {
        Files.move(part, path, StandardCopyOption.ATOMIC_MOVE);
      }
    } catch (IOException e) {
      throw Failure.unexpected(
          "--report: can't write " + shown + ": " + e.getMessage(),
          "free some space or check the folder",
          e);
    } finally {
      deleteQuietly(part);
    }
  }

  private static void deleteQuietly(Path folder) {
    if (!Files.isDirectory(folder)) {
      return;
    }
    try (Stream<Path> files = Files.list(folder)) {
      for (Path file : files.toList()) {
        Files.delete(file);
      }
      Files.delete(folder);
    } catch (IOException e) {
      // The failure that is being reported matters more than left-over files.
      folder.toFile().deleteOnExit();
    }
  }
}
