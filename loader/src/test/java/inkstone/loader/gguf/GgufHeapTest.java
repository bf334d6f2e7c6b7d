package inkstone.loader.gguf;

import static org.assertj.core.api.Assertions.assertThat;

import inkstone.loader.CheckpointException;
import inkstone.memory.TensorArena;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Headers that are as costly as they can be made are refused, or read, by a JVM whose whole heap is
 * 64 MB; so is a header with the tokenizer of a published model.
 */
class GgufHeapTest {
  private static final String KEPT = "expected content for at most 25165824 bytes of memory";

  @TempDir Path folder;

  @Test
  void theLargestHeadersFitSixtyFourMegabytesOfHeap() throws Exception {
    Map<Path, String> outcomes = new LinkedHashMap<>();
    outcomes.put(tensors("tensors", 200_000, 8), KEPT);
    outcomes.put(tensors("names", 20_000, 1000), KEPT);
    outcomes.put(pairs("keys", 200_000, 8, new byte[1], 7), KEPT);
    outcomes.put(pairs("texts", 12, 8, text(4 << 20), 8), KEPT);
    // Two billion empty strings, all in a hole of the file.
    outcomes.put(
        hole("strings", GgufBuilder.join(GgufBuilder.u32(8), GgufBuilder.u64(2_000_000_000))),
        "element count at byte 41, expected at most 12499993");
    outcomes.put(
        hole("longest", GgufBuilder.join(GgufBuilder.u32(8), GgufBuilder.u64(12_499_000))),
        "opened");
    outcomes.put(
        hole("numbers", GgufBuilder.join(GgufBuilder.u32(0), GgufBuilder.u64(99_000_000))),
        "opened");
    outcomes.put(tokenizer(), "opened");
    List<String> lines = probe(List.copyOf(outcomes.keySet())).lines().toList();
    assertThat(lines).hasSize(outcomes.size());
    int line = 0;
    for (String outcome : outcomes.values()) {
      assertThat(lines.get(line++)).contains(outcome);
    }
  }

  private Path tensors(String name, int count, int nameBytes) throws IOException {
    GgufBuilder builder = new GgufBuilder();
    for (int i = 0; i < count; i++) {
      builder.info(String.format("%0" + nameBytes + "d", i), 0, 0, 0);
    }
    return builder.write(folder.resolve(name));
  }

  private Path pairs(String name, int count, int keyBytes, byte[] value, int type)
      throws IOException {
    GgufBuilder builder = new GgufBuilder();
    for (int i = 0; i < count; i++) {
      builder.raw(String.format("%0" + keyBytes + "d", i), type, value);
    }
    return builder.write(folder.resolve(name));
  }

  private static byte[] text(int bytes) {
    return GgufBuilder.text("x".repeat(bytes));
  }

  /** One array whose elements are zeros of a file of 20 GB that takes no disk. */
  private Path hole(String name, byte[] array) throws IOException {
    Path file = folder.resolve(name);
    byte[] start = new GgufBuilder().raw("a", 9, array).bytes();
    try (FileChannel channel =
        FileChannel.open(
            file,
            StandardOpenOption.CREATE_NEW,
            StandardOpenOption.WRITE,
            StandardOpenOption.SPARSE)) {
      channel.write(ByteBuffer.wrap(start));
      channel.write(ByteBuffer.wrap(new byte[1]), 20_000_000_000L);
    }
    return file;
  }

  /** As many tokens and merges as Qwen2.5's, of about their length. */
  private Path tokenizer() throws IOException {
    List<String> tokens = new ArrayList<>();
    for (int i = 0; i < 152_064; i++) {
      tokens.add("Ġtoken" + i);
    }
    return new GgufBuilder()
        .strings("tokenizer.ggml.tokens", tokens)
        .strings("tokenizer.ggml.merges", tokens)
        .write(folder.resolve("tokenizer"));
  }

  private String probe(List<Path> files) throws Exception {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("-Xmx64m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp"));
    command.add(System.getProperty("java.class.path"));
    command.add(Probe.class.getName());
    command.add(folder.resolve("lines.log").toString());
    files.forEach(file -> command.add(file.toString()));
    Path errors = folder.resolve("errors.log");
    Process process =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(errors.toFile())
            .start();
    try {
      assertThat(process.waitFor(120, TimeUnit.SECONDS)).as("bounded time").isTrue();
    } finally {
      process.destroyForcibly();
    }
    assertThat(process.exitValue()).as(Files.readString(errors)).isZero();
    return Files.readString(folder.resolve("lines.log"));
  }

  /** Opens each file in a small JVM; an OutOfMemoryError ends it with a trace. */
  static final class Probe {
    private Probe() {}

    public static void main(String[] args) throws IOException {
      StringBuilder lines = new StringBuilder();
      for (String file : List.of(args).subList(1, args.length)) {
        try (TensorArena arena = TensorArena.open("probe")) {
          int shown = GgufFile.open(arena, Path.of(file)).metadata().size();
          lines.append("opened ").append(shown).append('\n');
        } catch (CheckpointException e) {
          lines.append("refused ").append(e.getMessage()).append('\n');
        }
      }
      Files.writeString(Path.of(args[0]), lines);
    }
  }
}
