package inkstone.app.cli;

import inkstone.app.image.PictureException;
import inkstone.app.image.PictureMetadata;
import inkstone.app.image.PictureWriter;
import inkstone.model.image.Image;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;

/** A picture file to be, checked before the work. */
final class OutputFile {
  private final String shown;
  private final Path path;

  private OutputFile(String shown, Path path) {
    this.shown = shown;
    this.path = path;
  }

  /** Finds out whether the file can be written, and leaves nothing behind. */
  static OutputFile check(String option, String name) throws Failure {
    if (name.isBlank()) {
      throw Failure.usage(option + ": the file name is empty", "give a name such as out.png");
    }
    Path path = Paths.of(option, name);
    try {
      PictureWriter.checkWritable(path);
      Files.readAttributes(path, BasicFileAttributes.class);
    } catch (NoSuchFileException e) {
      return new OutputFile(name, path);
    } catch (PictureException e) {
      throw Failure.usage(e.getMessage().replaceFirst("^output", option), null, e);
    } catch (IOException e) {
      // A name that is too long, for instance, is found only by asking for this very file.
      throw Failure.usage(option + ": can't write " + e.getMessage(), "give another name", e);
    }
    return new OutputFile(name, path);
  }

  /** As the user gave it. */
  String shown() {
    return shown;
  }

  /** Whether both names lead to one file. */
  boolean isSameAs(OutputFile other) {
    return place(path).equals(place(other.path));
  }

  /** Whether this file is what {@code other} leads to. */
  boolean isSameAs(Path other) {
    return place(path).equals(place(other));
  }

  private static Path place(Path path) {
    try {
      return path.toRealPath();
    } catch (IOException e) {
      // Not there yet.
      return path.toAbsolutePath().normalize();
    }
  }

  /** Writes the whole file or nothing. What fails now was fine before the work: a full disk. */
  void write(Image image, PictureMetadata metadata) throws Failure {
    try {
      PictureWriter.write(path, image, metadata);
    } catch (PictureException e) {
      throw Failure.unexpected(e.getMessage(), "free some space or check the folder", e);
    }
  }
}
