package inkstone.model.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import inkstone.loader.CheckpointException;
import inkstone.loader.Golden;
import inkstone.model.image.Image;
import inkstone.model.image.Size;
import inkstone.model.kv.KvDtype;
import inkstone.model.kv.KvPolicy;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What a plan says is what a run then takes. */
final class PlanTest {
  private static final CancelToken GO = new CancelToken();

  @TempDir Path folder;

  @ParameterizedTest
  @CsvSource({
    "128x128, 1, 96x64, 1, off, OFF",
    "256x128, 1, 96x64, 1, exact, OFF",
    "64x64, 3, 200x100, 1, exact, OFF",
    "128x128, 2, 128x128, 4, anchored, OFF",
    "512x512, 1, 64x64, 1, exact, OFF",
    "512x512, 1, 64x64, 1, exact, ON",
    "64x96, 1, 64x64, 4, rolling, OFF",
    "128x64, 0, 64x64, 1, exact, OFF",
    "320x320, 0, 64x64, 4, exact, ON",
  })
  void predictedBytesAreTakenBytes(
      String size, int count, String referenceSize, double cfg, String policy, VaeTiling tiling)
      throws CheckpointException {
    Size target = size(size);
    OutputSize wanted = new OutputSize.Exact(target.width(), target.height());
    Size reference = size(referenceSize);
    List<Image> pictures =
        Stream.generate(() -> Image.blank(reference.width(), reference.height()))
            .limit(count)
            .toList();
    String negative = cfg > 1 ? "dull" : null;
    Sampling sampling = Sampling.of(3, 1).withCfgScale(cfg);
    RefCache reuse =
        RefCache.of(
            switch (policy) {
              case "off" -> KvPolicy.off();
              case "anchored" -> KvPolicy.anchored();
              case "rolling" -> new KvPolicy.Rolling(2, 1);
              default -> KvPolicy.exact();
            });
    EngineOptions options = new EngineOptions(2, EngineOptions.DEFAULT_CACHE_BYTES, reuse);
    PlanRequest planned =
        new PlanRequest(
            "Make it blue.",
            negative,
            pictures.stream().map(Image::size).toList(),
            wanted,
            sampling,
            tiling,
            null);
    Plan plan = Inkstone.plan(ModelFiles.folder(Golden.tinyModel()), options, planned);
    try (Inkstone engine = Inkstone.open(Golden.tinyModel(), options)) {
      Result result =
          count == 0
              ? engine.generate(
                  new GenerateRequest("Make it blue.", negative, wanted, sampling, tiling),
                  Listener.NONE,
                  GO)
              : engine.edit(
                  new EditRequest("Make it blue.", negative, pictures, wanted, sampling, tiling),
                  Listener.NONE,
                  GO);
      long predicted =
          plan.stages().stream().mapToLong(Plan.StageCost::activationBytes).max().orElse(0);
      assertThat(predicted).isEqualTo(result.peakBytes());
      // Copied weights, scratch, what is remembered
      Plan.StageCost last = plan.stages().getLast();
      double between = plan.copiedBytes() + last.scratchBytes() + last.rememberedBytes();
      double taken = engine.nativeBytes();
      assertThat(predicted + between)
          .isCloseTo(result.peakBytes() + taken, within(0.1 * (result.peakBytes() + taken)));
      assertThat(flop(plan)).isEqualTo(result.cacheStats().flop());
      assertThat(plan.steps().offFlop()).isEqualTo(result.cacheStats().flopOff());
    }
  }

  private static double flop(Plan plan) {
    return plan.steps().passes().stream()
        .mapToDouble(pass -> pass.count() * (pass.linearFlop() + pass.attentionFlop()))
        .sum();
  }

  private static Size size(String text) {
    String[] sides = text.split("x");
    return new Size(Integer.parseInt(sides[0]), Integer.parseInt(sides[1]));
  }

  private static PlanRequest large(VaeTiling tiling, int references) {
    return new PlanRequest(
        null,
        null,
        Collections.nCopies(references, new Size(512, 512)),
        new OutputSize.Exact(4096, 4096),
        Sampling.of(4, 1),
        tiling,
        null);
  }

  @Test
  void whatDoesNotFitComesWithTheSmallestChangeThatDoes() throws CheckpointException {
    EngineOptions options =
        new EngineOptions(1).withMaxRamBytes(ProcessMemory.anonymousBytes() + (1500L << 20));
    ModelFiles files = ModelFiles.folder(Golden.tinyModel());
    Plan whole = Inkstone.plan(files, options, large(VaeTiling.OFF, 1));
    assertThat(whole.fits()).isFalse();
    assertThat(whole.advice()).startsWith("--vae-tiling on fits");
    Plan tight =
        Inkstone.plan(
            files,
            options.withMaxRamBytes(ProcessMemory.anonymousBytes() + (300L << 20)),
            large(VaeTiling.ON, 1));
    assertThat(tight.advice()).startsWith("--size ");
    // What is advised is what fits.
    String[] side = tight.advice().split("[ x]");
    Plan advised =
        Inkstone.plan(
            files,
            options.withMaxRamBytes(ProcessMemory.anonymousBytes() + (300L << 20)),
            large(VaeTiling.ON, 1)
                .withSize(
                    new OutputSize.Exact(Integer.parseInt(side[1]), Integer.parseInt(side[2]))));
    assertThat(advised.fits()).isTrue();
  }

  @Test
  void aRunIsRefusedBeforeItBegins() throws CheckpointException {
    EngineOptions options =
        new EngineOptions(1).withMaxRamBytes(ProcessMemory.anonymousBytes() + (1500L << 20));
    try (Inkstone engine = Inkstone.open(Golden.tinyModel(), options)) {
      GenerateRequest request =
          new GenerateRequest(
              "x", null, new OutputSize.Exact(4096, 4096), Sampling.of(4, 1), VaeTiling.OFF);
      assertThatThrownBy(() -> engine.generate(request, Listener.NONE, GO))
          .isInstanceOf(InsufficientMemoryException.class)
          .hasMessageContaining("within --max-ram")
          .hasMessageContaining("--vae-tiling on fits: it needs about");
    }
  }

  @Test
  void cacheSizesAreThoseOfTheLayouts() throws CheckpointException {
    Plan plan =
        Inkstone.plan(
            ModelFiles.folder(Golden.tinyModel()),
            new EngineOptions(1),
            new PlanRequest(
                null,
                null,
                List.of(new Size(128, 128)),
                new OutputSize.Exact(128, 128),
                Sampling.of(4, 1),
                VaeTiling.OFF,
                null));
    long exact = bytes(plan, "exact", KvDtype.F32);
    // 6 layers, keys and values of 64 rows of 2 heads of 128
    assertThat(bytes(plan, "anchored", KvDtype.F32) - exact).isEqualTo(6 * 2 * 64 * 256 * 4);
    assertThat(bytes(plan, "rolling", KvDtype.BF16) - exact).isEqualTo(6 * 2 * 64 * 256 * 2);
    assertThat(bytes(plan, "anchored", KvDtype.INT8) - exact).isEqualTo(6 * 2 * 64 * (256 + 8));
    assertThat(plan.caches())
        .filteredOn(c -> c.policy().equals("causal"))
        .allMatch(c -> !c.note().isEmpty());
  }

  private static long bytes(Plan plan, String policy, KvDtype dtype) {
    return plan.caches().stream()
        .filter(cache -> cache.policy().equals(policy) && cache.dtype() == dtype)
        .findFirst()
        .orElseThrow()
        .bytes();
  }

  @Test
  void theLimitOfAContainerCounts() throws Exception {
    Path root = folder.resolve("cgroup");
    Path group = Files.createDirectories(root.resolve("pod/box"));
    Path self = Files.writeString(folder.resolve("self"), "0::/pod/box\n");
    assertThat(Cgroup.availableBytes(root, self)).isEqualTo(Long.MAX_VALUE);
    Files.writeString(group.resolve("memory.max"), "max\n");
    assertThat(Cgroup.availableBytes(root, self)).isEqualTo(Long.MAX_VALUE);
    Files.writeString(root.resolve("pod/memory.max"), "1000000\n");
    Files.writeString(root.resolve("pod/memory.stat"), "anon 300000\nfile 600000\n");
    assertThat(Cgroup.availableBytes(root, self)).isEqualTo(700_000);
    Files.writeString(group.resolve("memory.max"), "500000\n");
    assertThat(Cgroup.availableBytes(root, self)).isEqualTo(500_000);

    Path old = Files.createDirectories(root.resolve("memory/docker/1"));
    Files.writeString(old.resolve("memory.limit_in_bytes"), "400000\n");
    Files.writeString(old.resolve("memory.stat"), "cache 1\ntotal_rss 100000\n");
    Files.writeString(self, "5:cpu,memory:/docker/1\n");
    assertThat(Cgroup.availableBytes(root, self)).isEqualTo(300_000);
    Files.writeString(self, "nonsense\n");
    assertThat(Cgroup.availableBytes(root, self)).isEqualTo(Long.MAX_VALUE);
  }
}
