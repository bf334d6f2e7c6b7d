package inkstone.loader.safetensors;

import static org.assertj.core.api.Assertions.assertThat;

import inkstone.loader.CheckpointException;
import inkstone.memory.TensorArena;
import inkstone.tensor.DType;
import inkstone.tensor.Tensor;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Thousands of small mutations of a good file: each one opens and reads, or is refused. */
class HeaderFuzzTest {
  private static final int MUTANTS = 3000;

  private static final String[] FRAGMENTS = {
    "0",
    "-1",
    "9223372036854775807",
    "9223372036854775808",
    "1e9",
    "0.5",
    "null",
    "true",
    "{}",
    "[]",
    "\"\"",
    "\"F32\"",
    "\"dtype\"",
    "\"shape\"",
    "\"data_offsets\"",
    "\"__metadata__\"",
    ",",
    ":",
    "{",
    "}",
    "[",
    "]",
    "\\u0000",
    "\ud83d\ude00",
    "NaN",
    "Infinity"
  };

  @TempDir Path folder;
  private final TensorArena arena = TensorArena.open("fuzz");

  @AfterEach
  void closeArena() {
    arena.close();
  }

  @Test
  void onlyCheckpointExceptionsEscape() throws Exception {
    byte[] good =
        new SafetensorsWriter()
            .metadata("format", "pt")
            .f32("a.weight", new float[] {1, 2, 3, 4, 5, 6}, 2, 3)
            .bf16("b", new float[] {1, 2}, 2)
            .raw("empty", DType.I8, new byte[0], 0, 7)
            .i64("scalar", new long[] {42})
            .toBytes();
    Random random = new Random(20260101);
    Path file = folder.resolve("mutant.safetensors");
    int opened = 0;
    int refused = 0;
    for (int i = 0; i < MUTANTS; i++) {
      byte[] mutant = mutate(good, random);
      try {
        SafetensorsHeader.read(new BytesChannel(mutant), "mutant.safetensors");
        Files.write(file, mutant);
        readAll(SafetensorsFile.open(arena, file));
        opened++;
      } catch (CheckpointException e) {
        assertThat(e.getMessage()).contains("mutant.safetensors").doesNotContain("\n");
        refused++;
      } catch (RuntimeException | StackOverflowError e) {
        throw new AssertionError("mutant " + i + ": " + Arrays.toString(mutant), e);
      }
    }
    assertThat(refused).as("mutants refused").isGreaterThan(MUTANTS / 2);
    assertThat(opened).as("mutants that stayed valid").isPositive();
  }

  private static void readAll(SafetensorsFile file) {
    for (String name : file.names()) {
      Tensor tensor = file.tensor(name);
      for (long i = 0; i < tensor.elements(); i++) {
        assertThat(Float.isNaN(tensor.getFloat(i)) || tensor.getFloat(i) <= Float.POSITIVE_INFINITY)
            .isTrue();
      }
    }
  }

  private static byte[] mutate(byte[] good, Random random) throws IOException {
    byte[] bytes = good.clone();
    int count = 1 + random.nextInt(3);
    for (int i = 0; i < count; i++) {
      int at = random.nextInt(bytes.length);
      bytes =
          switch (random.nextInt(6)) {
            case 0 -> {
              bytes[at] ^= (byte) (1 << random.nextInt(8));
              yield bytes;
            }
            case 1 -> {
              bytes[at] = (byte) random.nextInt(256);
              yield bytes;
            }
            case 2 -> Arrays.copyOf(bytes, Math.max(1, at));
            case 3 -> splice(bytes, at, 1 + random.nextInt(8), new byte[0]);
            case 4 -> splice(bytes, at, random.nextInt(8), fragment(random));
            default -> {
              // A digit of the header, so that numbers stay numbers.
              int digit = 8 + random.nextInt(Math.max(1, bytes.length - 8));
              if (digit < bytes.length && bytes[digit] >= '0' && bytes[digit] <= '9') {
                bytes[digit] = (byte) ('0' + random.nextInt(10));
              }
              yield bytes;
            }
          };
    }
    if (random.nextBoolean() && bytes.length > 16) {
      // Keep the length right, so that the mutation reaches the JSON.
      int shift = bytes.length - good.length;
      long header = good[0] & 0xff | (good[1] & 0xff) << 8;
      header += shift;
      bytes[0] = (byte) header;
      bytes[1] = (byte) (header >> 8);
      Arrays.fill(bytes, 2, 8, (byte) 0);
    }
    return bytes;
  }

  private static byte[] fragment(Random random) {
    return FRAGMENTS[random.nextInt(FRAGMENTS.length)].getBytes(StandardCharsets.UTF_8);
  }

  private static byte[] splice(byte[] bytes, int at, int drop, byte[] insert) {
    int tail = Math.min(bytes.length, at + drop);
    byte[] out = Arrays.copyOf(bytes, at + insert.length + bytes.length - tail);
    System.arraycopy(insert, 0, out, at, insert.length);
    System.arraycopy(bytes, tail, out, at + insert.length, bytes.length - tail);
    return out.length == 0 ? new byte[1] : out;
  }
}
