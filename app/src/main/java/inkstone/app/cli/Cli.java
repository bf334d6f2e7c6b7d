package inkstone.app.cli;

import java.io.InputStream;
import java.io.PrintStream;
import java.nio.file.Path;

/**
 * What the commands may touch outside themselves; tests give their own.
 *
 * @param out results only: paths of pictures, or JSON
 * @param err progress, notes and errors
 * @param terminal whether {@code err} is a terminal that can redraw a line
 * @param home folder that holds {@code models/}
 * @param jobs what Ctrl-C stops
 */
record Cli(
    PrintStream out,
    PrintStream err,
    InputStream in,
    boolean terminal,
    Path home,
    Engine.Opener engines,
    RunningJob jobs) {
  /** The embedded model, used when {@code -m} is absent. */
  Path defaultModel() {
    return home.resolve("models").resolve("tiny-qwen-image-edit");
  }
}
