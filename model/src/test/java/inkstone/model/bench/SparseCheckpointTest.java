package inkstone.model.bench;

import static org.assertj.core.api.Assertions.assertThat;

import inkstone.model.image.Size;
import inkstone.model.pipeline.EngineOptions;
import inkstone.model.pipeline.Inkstone;
import inkstone.model.pipeline.ModelFiles;
import inkstone.model.pipeline.OutputSize;
import inkstone.model.pipeline.Plan;
import inkstone.model.pipeline.PlanRequest;
import inkstone.model.pipeline.ProcessMemory;
import inkstone.model.pipeline.Sampling;
import inkstone.model.pipeline.VaeTiling;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The full-size model, as holes in files: what must work from headers alone does. */
final class SparseCheckpointTest {
  /** Four times what a quiet machine needs. */
  private static final double OPEN_SECONDS = 4;

  @TempDir static Path folder;

  @BeforeAll
  static void write() throws Exception {
    SparseCheckpoint.write(folder, 1024 * 1024, 384 * 384);
    assertThat(SparseCheckpoint.apparent(folder)).isBetween(55_000_000_000L, 60_000_000_000L);
    assertThat(SparseCheckpoint.onDisk(folder))
        .as("the file system of %s keeps holes", folder)
        .isLessThan(64 << 20);
  }

  @Test
  void itOpensFromItsHeaders() throws Exception {
    long start = System.nanoTime();
    try (Inkstone engine = Inkstone.open(folder, new EngineOptions(2))) {
      assertThat((System.nanoTime() - start) / 1e9).isLessThan(OPEN_SECONDS);
      assertThat(engine.describe()).contains("60 blocks of 24x128, zero_cond_t");
      assertThat(engine.parts().get("transformer")).isBetween(40_000_000_000L, 42_000_000_000L);
    }
  }

  @Test
  void aPlanReadsNoWeight() throws Exception {
    long start = System.nanoTime();
    Plan plan = Inkstone.plan(ModelFiles.folder(folder), new EngineOptions(2), request(1024));
    assertThat((System.nanoTime() - start) / 1e9).isLessThan(OPEN_SECONDS);
    assertThat(plan.imageTokens()).isEqualTo(2 * 4096);
    assertThat(plan.parts()).extracting("name").contains("vision_tower", "transformer", "vae");
    // 60 blocks of 24·D²·N + 4·D·N² operations
    double tokens = 8192 + plan.textTokens().getFirst() - 64;
    double expected = 60 * (24 * 3072.0 * 3072 * tokens + 4 * 3072 * tokens * tokens);
    assertThat(plan.steps().offFlop()).isBetween(expected * 0.9999, expected * 1.0001);
    // 3×3 kernels of 98 MiB and 71 MiB, docs/memory.md
    assertThat(plan.copiedBytes() >> 20).isBetween(165L, 172L);
    assertThat(SparseCheckpoint.onDisk(folder)).isLessThan(64 << 20);
  }

  @Test
  void whatCannotFitIsSaidWithWhatWould() throws Exception {
    // What other tests of this process have taken must not count.
    long allowed = ProcessMemory.anonymousBytes() + (1700L << 20);
    Plan plan =
        Inkstone.plan(
            ModelFiles.folder(folder),
            new EngineOptions(2).withMaxRamBytes(allowed),
            request(2048));
    assertThat(plan.fits()).isFalse();
    assertThat(plan.advice()).containsPattern("--size|--vae-tiling|reference");
  }

  private static PlanRequest request(int side) {
    return new PlanRequest(
        "Change the background to navy.",
        null,
        List.of(new Size(1024, 1024)),
        new OutputSize.Exact(side, side),
        Sampling.of(1, 1),
        VaeTiling.OFF,
        null);
  }
}
