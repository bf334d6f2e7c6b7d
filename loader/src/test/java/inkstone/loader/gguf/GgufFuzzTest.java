package inkstone.loader.gguf;

import static org.assertj.core.api.Assertions.assertThat;

import inkstone.loader.CheckpointException;
import inkstone.tensor.DType;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Mutants of a right file: each is read or refused, and nothing else escapes. */
class GgufFuzzTest {
  private static final int MUTANTS = 20_000;

  private static final long[] NUMBERS = {
    0, 1, 7, 8, 9, 31, 32, 255, 256, 1L << 31, -1, 1L << 32, 1L << 61, Long.MAX_VALUE, 1L << 63
  };

  @Test
  void onlyCheckpointExceptionsEscape() {
    byte[] good =
        new GgufBuilder()
            .alignment(32)
            .string("general.architecture", "qwen2vl")
            .f32("qwen2vl.rope.freq_base", 1e6f)
            .strings("tokenizer.ggml.tokens", Arrays.asList("a", "Ġb", "<|im_end|>"))
            .i32s("tokenizer.ggml.token_type", 1, 1, 3)
            .i32s("comfy.gguf.orig_shape.a", 3, 2)
            .flag("flag", true)
            .f32("a", new float[6], 2, 3)
            .tensor("b", DType.Q8_0, new byte[68], 2, 32)
            .f32("c", new float[0], 0)
            .bytes();
    Random random = new Random(20260103);
    int read = 0;
    int refused = 0;
    for (int i = 0; i < MUTANTS; i++) {
      byte[] mutant = mutate(good, random);
      try {
        MemorySegment memory = MemorySegment.ofArray(mutant);
        GgufHeader header = GgufHeader.read(memory, "mutant.gguf");
        assertThat(header.metadata().display()).isNotNull();
        for (GgufEntry entry : header.tensors().values()) {
          assertThat(memory.asSlice(entry.begin(), entry.bytes()).byteSize())
              .isEqualTo(entry.dtype().bytes(entry.shape().elements()));
        }
        strings(header.metadata());
        read++;
      } catch (CheckpointException e) {
        assertThat(e.getMessage()).contains("mutant.gguf").doesNotContain("\n");
        refused++;
      } catch (RuntimeException | StackOverflowError e) {
        throw new AssertionError("mutant " + i + ": " + Arrays.toString(mutant), e);
      }
    }
    assertThat(refused).as("mutants refused").isGreaterThan(MUTANTS / 4);
    assertThat(read).as("mutants that stayed valid").isGreaterThan(MUTANTS / 50);
  }

  private static void strings(GgufMetadata metadata) throws CheckpointException {
    if (metadata.has("tokenizer.ggml.tokens")) {
      for (String token : metadata.strings("tokenizer.ggml.tokens")) {
        assertThat(token).isNotNull();
      }
    }
  }

  private static byte[] mutate(byte[] good, Random random) {
    byte[] bytes = good.clone();
    int count = 1 + random.nextInt(3);
    for (int i = 0; i < count; i++) {
      int at = random.nextInt(bytes.length);
      switch (random.nextInt(6)) {
        case 0 -> bytes[at] ^= (byte) (1 << random.nextInt(8));
        case 1 -> bytes[at] = (byte) random.nextInt(256);
        case 2 -> bytes = Arrays.copyOf(bytes, Math.max(1, at));
        case 3 -> number(bytes, at, NUMBERS[random.nextInt(NUMBERS.length)], 8);
        case 4 -> number(bytes, at, NUMBERS[random.nextInt(NUMBERS.length)], 4);
        default -> {
          int from = random.nextInt(bytes.length);
          int length = random.nextInt(Math.min(40, bytes.length - Math.max(from, at)) + 1);
          System.arraycopy(bytes, from, bytes, at, length);
        }
      }
    }
    return bytes;
  }

  private static void number(byte[] bytes, int at, long value, int size) {
    for (int i = 0; i < size && at + i < bytes.length; i++) {
      bytes[at + i] = (byte) (value >>> 8 * i);
    }
  }
}
