package inkstone.loader.safetensors;

import static org.assertj.core.api.Assertions.assertThat;

import inkstone.loader.CheckpointException;
import inkstone.memory.TensorArena;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The largest headers that the format allows, each as costly as it can be made, are refused by a
 * JVM whose whole heap is 64 MB.
 */
class HeaderHeapTest {
  /** What the length field says: all that the format allows. */
  private static final long LONGEST = SafetensorsHeader.MAX_HEADER_BYTES;

  /** What is really there, enough for several times the heap; the rest of the file is a hole. */
  private static final int CONTENT = 16_000_000;

  @TempDir Path folder;

  @Test
  void theLongestHeadersFitSixtyFourMegabytesOfHeap() throws Exception {
    Map<Path, String> refusals = new LinkedHashMap<>();
    String entry = ":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]},";
    String kept = "expected content for at most 25165824 bytes of memory, got more";
    refusals.put(repeat("tensors", "{", "\"########\"" + entry), kept);
    refusals.put(repeat("names", "{", "\"########" + "n".repeat(1000) + "\"" + entry), kept);
    refusals.put(
        repeat("ranks", "{", "\"########\"" + entry.replace("[0]", "[0" + ",1".repeat(31) + "]")),
        kept);
    refusals.put(repeat("keys", "{\"__metadata__\":{", "\"########\":\"\","), kept);
    refusals.put(
        repeat("texts", "{\"__metadata__\":{", "\"########\":\"" + "x".repeat(500_000) + "\","),
        kept);
    refusals.put(
        repeat("skipped", "{\"a\":{\"x\":[", "{\"########\":[0.5,\"text\",null]},"),
        "expected JSON, got at character 1600");
    refusals.put(repeat("string", "{\"a\":{\"dtype\":\"", "########"), "String value length");
    refusals.put(repeat("digits", "{\"a\":{\"shape\":[", "1########"), "value length");
    refusals.put(repeat("blank", "{", " "), "expected JSON, got at character 16000000");
    List<String> lines = probe(List.copyOf(refusals.keySet())).lines().toList();
    assertThat(lines).hasSize(refusals.size());
    int line = 0;
    for (String refusal : refusals.values()) {
      assertThat(lines.get(line++)).startsWith("refused ").contains(refusal);
    }
  }

  /** A sparse file: {@code start}, then {@code unit} with a running number for every '#'. */
  private Path repeat(String name, String start, String unit) throws IOException {
    Path file = folder.resolve(name + ".safetensors");
    byte[] bytes = unit.getBytes(StandardCharsets.UTF_8);
    int digits = unit.indexOf("########");
    byte[] content = Arrays.copyOf(start.getBytes(StandardCharsets.UTF_8), CONTENT);
    Arrays.fill(content, start.length(), CONTENT, (byte) ' ');
    int at = start.length();
    for (int i = 0; at + bytes.length <= CONTENT; i++) {
      System.arraycopy(bytes, 0, content, at, bytes.length);
      for (int digit = 7, rest = i; digit >= 0 && digits >= 0; digit--, rest /= 10) {
        content[at + digits + digit] = (byte) ('0' + rest % 10);
      }
      at += bytes.length;
    }
    byte[] length = new byte[8];
    ByteBuffer.wrap(length).order(ByteOrder.LITTLE_ENDIAN).putLong(LONGEST);
    try (FileChannel channel =
        FileChannel.open(
            file,
            StandardOpenOption.CREATE_NEW,
            StandardOpenOption.WRITE,
            StandardOpenOption.SPARSE)) {
      channel.write(ByteBuffer.wrap(length));
      channel.write(ByteBuffer.wrap(content));
      channel.write(ByteBuffer.wrap(new byte[1]), 8 + LONGEST - 1);
    }
    return file;
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
      assertThat(process.waitFor(60, TimeUnit.SECONDS)).as("bounded time").isTrue();
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
          SafetensorsFile.open(arena, Path.of(file));
          lines.append("opened ").append(file).append('\n');
        } catch (CheckpointException e) {
          lines.append("refused ").append(e.getMessage()).append('\n');
        }
      }
      Files.writeString(Path.of(args[0]), lines);
    }
  }
}
