package inkstone.app.cli;

import static org.assertj.core.api.Assertions.assertThat;

import inkstone.app.image.PictureReader;
import inkstone.model.image.Image;
import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import javax.imageio.ImageIO;

/** Runs commands in this JVM, with a fake engine, in a folder of their own. */
final class CliHarness {
  /** What a command left behind. */
  record Outcome(int code, String out, String err) {
    List<String> outLines() {
      return out.lines().toList();
    }

    List<String> errLines() {
      return err.lines().toList();
    }
  }

  final Path folder;
  final FakeEngine engine = new FakeEngine();

  /** What commands open. */
  Engine.Opener engines = engine;

  RunningJob jobs = new RunningJob();
  boolean terminal;
  String stdin = "";

  CliHarness(Path folder) {
    this.folder = folder;
  }

  Outcome run(Object... args) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ByteArrayOutputStream err = new ByteArrayOutputStream();
    Cli cli =
        new Cli(
            new PrintStream(out, false, StandardCharsets.UTF_8),
            new PrintStream(err, false, StandardCharsets.UTF_8),
            new ByteArrayInputStream(stdin.getBytes(StandardCharsets.UTF_8)),
            terminal,
            root(),
            engines,
            jobs);
    int code = Main.run(cli, Stream.of(args).map(String::valueOf).toArray(String[]::new));
    return new Outcome(
        code, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
  }

  /** Runs a printed command as a POSIX shell would read it. */
  Outcome again(String command) throws IOException, InterruptedException {
    Process shell =
        new ProcessBuilder("sh", "-c", "for w in " + command + "; do printf '%s\\0' \"$w\"; done")
            .redirectErrorStream(true)
            .start();
    String out = new String(shell.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    if (!shell.waitFor(10, TimeUnit.SECONDS)) {
      throw new AssertionError("the shell does not end");
    }
    List<String> words = List.of(out.split("\0"));
    assertThat(words.getFirst()).isEqualTo("./inkstone");
    return run(words.subList(1, words.size()).toArray());
  }

  /** A small picture to edit. */
  Path picture() throws IOException {
    Path path = folder.resolve("in.png");
    if (!Files.exists(path)) {
      ImageIO.write(new BufferedImage(48, 32, BufferedImage.TYPE_INT_RGB), "png", path.toFile());
    }
    return path;
  }

  Path output() {
    return folder.resolve("out.png");
  }

  /** Names of all files in the folder, hidden ones too, sorted. */
  List<String> files() throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.map(file -> file.getFileName().toString()).sorted().toList();
    }
  }

  static Image read(Path path) throws IOException {
    return PictureReader.read(path);
  }

  static Path root() {
    return Path.of(System.getProperty("inkstone.root"));
  }
}
