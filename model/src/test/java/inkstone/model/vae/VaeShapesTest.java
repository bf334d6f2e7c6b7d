package inkstone.model.vae;

import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import inkstone.loader.CheckpointException;
import inkstone.loader.config.VaeConfig;
import inkstone.memory.TensorArena;
import inkstone.model.debug.Taps;
import inkstone.tensor.DType;
import inkstone.tensor.Shape;
import inkstone.tensor.Tensor;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** What does not fit the model is refused in one line that says what to do. */
class VaeShapesTest {
  private static TinyVae vae;

  @BeforeAll
  static void open() throws CheckpointException {
    vae = TinyVae.open();
  }

  @AfterAll
  static void close() {
    vae.close();
  }

  @ParameterizedTest
  @CsvSource({"100, 64, 3", "64, 60, 3", "1, 8, 3", "0, 64, 3", "64, 0, 3", "64, 64, 4"})
  void pixelsThatDoNotFit(long height, long width, long channels) {
    try (TensorArena arena = TensorArena.open("test")) {
      Tensor pixels = Tensor.f32(arena, "pixels", height, width, channels);
      assertThatThrownBy(() -> vae.encoder.encode(arena, pixels, Tiling.DEFAULT, Taps.NONE))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage(
              "VaeEncoder.encode: pixels, expected F32 [H, W, 3] with H and W multiples of 8, got"
                  + " pixels F32["
                  + height
                  + ", "
                  + width
                  + ", "
                  + channels
                  + "]; resize or crop the picture");
    }
  }

  @ParameterizedTest
  @CsvSource({"0, 8, 16", "8, 0, 16", "8, 8, 4"})
  void latentsThatDoNotFit(long height, long width, long channels) {
    try (TensorArena arena = TensorArena.open("test")) {
      Tensor latents = Tensor.f32(arena, "latents", height, width, channels);
      assertThatThrownBy(() -> vae.decoder.decode(arena, latents, Tiling.OFF, Taps.NONE))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage(
              "VaeDecoder.decode: latents, expected F32 [h, w, 16] with h and w of 1 or more, got"
                  + " latents F32["
                  + height
                  + ", "
                  + width
                  + ", "
                  + channels
                  + "]; pass unpacked latents, channels last");
    }
  }

  @Test
  void otherRanksAndTypes() {
    try (TensorArena arena = TensorArena.open("test")) {
      Tensor packed = Tensor.f32(arena, "packed", 16, 64);
      assertThatThrownBy(() -> vae.decoder.decode(arena, packed, Tiling.OFF, Taps.NONE))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("got packed F32[16, 64]");
      Tensor half = Tensor.allocate(arena, "half", DType.BF16, Shape.of(8, 8, 3));
      assertThatThrownBy(() -> vae.encoder.encode(arena, half, Tiling.OFF, Taps.NONE))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("got half BF16[8, 8, 3]");
    }
  }

  @Test
  void tilesThatCutLatentPixels() {
    try (TensorArena arena = TensorArena.open("test")) {
      Tensor latents = Tensor.f32(arena, "latents", 20, 20, 16);
      Tiling tiling = Tiling.square(100, 76);
      assertThatThrownBy(() -> vae.decoder.decode(arena, latents, tiling, Taps.NONE))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageStartingWith(
              "VaeDecoder.decode: tile sizes, expected multiples of 8 pixels, got Tiling[");
    }
  }

  static Stream<Arguments> configsThatNoNetworkFits() {
    List<Integer> mult = List.of(1, 2, 4, 4);
    List<Boolean> temporal = List.of(false, true, true);
    return Stream.of(
        arguments(config(0, 16, mult, 2, temporal, 3), "base_dim, expected 1 or more, got 0"),
        arguments(
            config(1, 16, mult, 2, temporal, 3),
            "base_dim, expected 2 or more, since each upsampling halves the width, got 1"),
        arguments(config(96, 0, mult, 2, temporal, 3), "z_dim, expected 1 or more, got 0"),
        arguments(
            config(96, 16, mult, 2, temporal, 0), "input_channels, expected 1 or more, got 0"),
        arguments(
            config(96, 16, List.of(), 2, List.of(), 3),
            "dim_mult, expected 1 to 10 factors, got []"),
        arguments(
            config(96, 16, List.of(1, 0, 2, 4), 2, temporal, 3),
            "dim_mult, expected positive factors, got [1, 0, 2, 4]"),
        arguments(
            config(96, 16, mult, 0, temporal, 3),
            "num_res_blocks, expected 1 or more, since dim_mult changes the width, got 0"),
        arguments(
            config(96, 16, mult, -1, temporal, 3), "num_res_blocks, expected 0 or more, got -1"),
        arguments(
            config(96, 16, mult, 2, List.of(true), 3),
            "temperal_downsample, expected 3 values, one fewer than dim_mult, got [true]"));
  }

  @ParameterizedTest
  @MethodSource
  void configsThatNoNetworkFits(VaeConfig config, String message) {
    assertThatThrownBy(() -> new VaeDecoder(vae.compute, vae.weightsArena, config, vae.weights))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("VaeConfig: " + message + "; correct vae/config.json or use the model's own");
  }

  private static VaeConfig config(
      int baseDim,
      int zDim,
      List<Integer> mult,
      int blocks,
      List<Boolean> temporal,
      int inputChannels) {
    VaeConfig published = VaeConfig.QWEN_IMAGE;
    return new VaeConfig(
        baseDim,
        zDim,
        mult,
        blocks,
        List.of(),
        temporal,
        inputChannels,
        published.latentsMean(),
        published.latentsStd());
  }

  @Test
  void aWeightOfAnotherShapeIsNamed() {
    VaeConfig config = VaeConfig.QWEN_IMAGE;
    assertThatThrownBy(() -> new VaeEncoder(vae.compute, vae.weightsArena, config, vae.weights))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining(
            "\"encoder.conv_in.weight\", expected shape [96, 3, 3, 3, 3], got [16, 3, 3, 3, 3]");
  }
}
