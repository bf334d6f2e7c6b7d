package inkstone.model.vae;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import inkstone.loader.CheckpointException;
import inkstone.memory.TensorArena;
import inkstone.model.debug.Taps;
import inkstone.tensor.Tensor;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class VaeMemoryTest {
  private static final Tiling TILES = Tiling.square(64, 48);
  private static TinyVae vae;

  @BeforeAll
  static void open() throws CheckpointException {
    vae = TinyVae.open();
  }

  @AfterAll
  static void close() {
    vae.close();
  }

  @Test
  void onlyTheResultStays() {
    try (TensorArena arena = TensorArena.open("test")) {
      Tensor pixels = TinyVae.random(arena, 1, 72, 104, 3);
      long before = arena.allocatedBytes();
      for (Tiling tiling : new Tiling[] {Tiling.OFF, TILES}) {
        Tensor latents = vae.encoder.encode(arena, pixels, tiling, Taps.NONE);
        assertThat(latents.shape().toArray()).containsExactly(9, 13, 16);
        assertThat(arena.allocatedBytes()).isEqualTo(before + 9 * 13 * 16 * 4);
        Tensor decoded = vae.decoder.decode(arena, latents, tiling, Taps.NONE);
        assertThat(decoded.shape().toArray()).containsExactly(72, 104, 3);
        before += (9 * 13 * 16 + 72 * 104 * 3) * 4;
        assertThat(arena.allocatedBytes()).isEqualTo(before);
      }
    }
  }

  /** The arena's peak is what was announced before, to the byte. */
  @ParameterizedTest
  @CsvSource({"8, 8", "72, 104", "64, 64", "160, 112", "112, 320", "128, 128"})
  void theAnnouncedBytesAreThePeak(int height, int width) {
    for (Tiling tiling : List.of(Tiling.OFF, TILES, Tiling.square(64, 64))) {
      try (TensorArena inputs = TensorArena.open("inputs");
          TensorArena encode = TensorArena.open("encode");
          TensorArena decode = TensorArena.open("decode")) {
        Tensor pixels = TinyVae.random(inputs, 1, height, width, 3);
        Tensor latents = vae.encoder.encode(encode, pixels, tiling, Taps.NONE);
        assertThat(vae.encoder.encodeBytes(height, width, tiling)).isEqualTo(encode.peakBytes());
        vae.decoder.decode(decode, latents, tiling, Taps.NONE);
        assertThat(vae.decoder.decodeBytes(height / 8, width / 8, tiling))
            .isEqualTo(decode.peakBytes());
      }
    }
  }

  @Test
  void nothingGoesToTheWeightsAfterConstruction() {
    long before = vae.weightsArena.allocatedBytes();
    try (TensorArena arena = TensorArena.open("test")) {
      Tensor latents = TinyVae.random(arena, 1, 3, 2, 16);
      vae.decoder.decode(arena, latents, Tiling.OFF, Taps.NONE);
    }
    assertThat(vae.weightsArena.allocatedBytes()).isEqualTo(before);
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 7, 12})
  void nothingStaysAfterACancelledRun(int checkpoints) {
    try (TensorArena arena = TensorArena.open("test")) {
      Tensor pixels = TinyVae.random(arena, 1, 72, 104, 3);
      Tensor latents = TinyVae.random(arena, 2, 9, 13, 16);
      long before = arena.allocatedBytes();
      for (Tiling tiling : new Tiling[] {Tiling.OFF, TILES}) {
        assertThatThrownBy(
                () -> vae.encoder.encode(arena, pixels, tiling, cancelAfter(checkpoints)))
            .isInstanceOf(CancellationException.class);
        assertThatThrownBy(
                () -> vae.decoder.decode(arena, latents, tiling, cancelAfter(checkpoints)))
            .isInstanceOf(CancellationException.class);
        assertThat(arena.allocatedBytes()).isEqualTo(before);
      }
    }
  }

  @Test
  void everyResidualBlockIsACheckpoint() {
    AtomicInteger count = new AtomicInteger();
    AtomicInteger residualBlocks = new AtomicInteger();
    Taps taps =
        new Taps() {
          @Override
          public void checkpoint() {
            count.incrementAndGet();
          }

          @Override
          public void tap(String key, Tensor value) {
            if (key.matches("decoder\\..*resnets\\.\\d+")) {
              residualBlocks.incrementAndGet();
            }
          }
        };
    try (TensorArena arena = TensorArena.open("test")) {
      vae.decoder.decode(arena, TinyVae.random(arena, 1, 1, 1, 16), Tiling.OFF, taps);
    }
    assertThat(residualBlocks).hasValue(14);
    assertThat(count).hasValue(14 + 1 + 3); // residual blocks, attention, upsamplings
  }

  /** A tiled run needs what one tile needs, the result, and the edges between tiles. */
  @Test
  void peakOfATiledDecodeIsBoundedByTheTile() {
    long tile = decodePeak(64, 64, Tiling.OFF);
    for (int[] size : new int[][] {{160, 112}, {320, 112}, {112, 320}}) {
      int height = size[0];
      int width = size[1];
      long columns = (long) (width + 47) / 48;
      long edges = (columns * 16 * 64 + 64 * 16) * 3 * 4;
      long result = (long) height * width * 3 * 4;
      long inputAndOutputOfATile = (8 * 8 * 16 + 64 * 64 * 3) * 4L;
      assertThat(decodePeak(height, width, TILES))
          .isLessThanOrEqualTo(tile + edges + result + inputAndOutputOfATile);
    }
  }

  /** Three full-size activations of the widest stage: input, norm and convolution of a block. */
  @Test
  void peakOfAWholeDecodeIsAFewActivations() {
    long pixels = 128 * 128;
    long activation = pixels * 16 * 4;
    assertThat(decodePeak(128, 128, Tiling.OFF))
        .isLessThanOrEqualTo(pixels * 3 * 4 + 3 * activation);
  }

  private static long decodePeak(int height, int width, Tiling tiling) {
    try (TensorArena inputs = TensorArena.open("inputs");
        TensorArena arena = TensorArena.open("test")) {
      Tensor latents = TinyVae.random(inputs, 3, height / 8, width / 8, 16);
      vae.decoder.decode(arena, latents, tiling, Taps.NONE);
      return arena.peakBytes();
    }
  }

  private static Taps cancelAfter(int checkpoints) {
    AtomicInteger left = new AtomicInteger(checkpoints);
    return new Taps() {
      @Override
      public void checkpoint() {
        if (left.getAndDecrement() == 0) {
          throw new CancellationException("test");
        }
      }
    };
  }
}
