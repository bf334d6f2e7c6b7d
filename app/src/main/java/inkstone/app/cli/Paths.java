package inkstone.app.cli;

import java.nio.file.InvalidPathException;
import java.nio.file.Path;

/** Paths that a user typed. */
final class Paths {
  private Paths() {}

  static Path of(String option, String text) throws Failure {
    try {
      return Path.of(text);
    } catch (InvalidPathException e) {
      throw Failure.usage(
          option + ": not a path here: " + Numbers.quoted(text),
          "give a path without special characters",
          e);
    }
  }
}
