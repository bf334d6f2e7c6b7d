package inkstone.model.real;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertAll;

import inkstone.loader.Weights;
import inkstone.loader.config.TransformerConfig;
import inkstone.memory.TensorArena;
import inkstone.ops.Compute;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;

/**
 * {@link RealDimensionsParityTest} at the sizes of a real run, over whole tensors and over weights
 * in folders as diffusers and transformers save them. It is no part of the build, since its goldens
 * are gigabytes: reference/README.md says how to make them and to run it. Once asked for it cannot
 * be skipped: a missing folder is a failure.
 */
class RealDimensionsCheck {
  private static final RealReport REPORT = new RealReport();

  private static Path folder() {
    String folder = System.getProperty("inkstone.real");
    if (folder == null) {
      throw new AssertionError(
          "set -Dinkstone.real to the folder that reference/real_dims.py --out made");
    }
    return Path.of(folder);
  }

  @Test
  void transformerBlock() throws IOException {
    try (RealCase zero = RealCase.whole(folder(), "dit_bf16_zero", REPORT);
        RealCase plain = RealCase.whole(folder(), "dit_bf16_plain", REPORT);
        Compute compute = Compute.open(2);
        TensorArena arena = TensorArena.open("real weights")) {
      assertThat(TransformerConfig.parse(zero.config(), zero.name()))
          .isEqualTo(TransformerConfig.read(folder().resolve("dit_bf16")));
      Weights weights = zero.weights(arena);
      assertAll(
          () -> RealRuns.dit(zero, compute, weights), () -> RealRuns.dit(plain, compute, weights));
    }
  }

  @Test
  void decoderLayerAndVisionBlocks() throws IOException {
    try (RealCase golden = RealCase.whole(folder(), "text_bf16", REPORT);
        Compute compute = Compute.open(2);
        TensorArena arena = TensorArena.open("real weights")) {
      RealRuns.text(golden, compute, golden.weights(arena));
    }
  }

  @Test
  void autoencoder() throws IOException {
    try (RealCase golden = RealCase.whole(folder(), "vae_bf16", REPORT);
        Compute compute = Compute.open(2);
        TensorArena arena = TensorArena.open("real weights")) {
      RealRuns.vae(golden, compute, golden.weights(arena));
    }
  }

  /** Beside the goldens, as docs/parity.md has it. */
  @AfterAll
  static void writeTable() throws IOException {
    Files.writeString(folder().resolve("result.md"), REPORT.table());
  }
}
