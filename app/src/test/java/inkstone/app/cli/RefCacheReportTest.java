package inkstone.app.cli;

import static org.assertj.core.api.Assertions.assertThat;

import inkstone.app.cli.CliHarness.Outcome;
import inkstone.app.image.PictureMetadata;
import inkstone.loader.json.Json;
import inkstone.model.pipeline.CacheStats;
import inkstone.model.pipeline.UnfitModelException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a run tells of the reference cache, and what the picture keeps of it. */
final class RefCacheReportTest {
  @TempDir Path folder;

  private CliHarness cli;

  @BeforeEach
  void harness() {
    cli = new CliHarness(folder);
  }

  private Outcome edit(String options) throws Exception {
    List<Object> args = new ArrayList<>(List.of("edit", "-r", cli.picture(), "-p", "x"));
    args.addAll(List.of("-o", cli.output(), "-s", 1, "--steps", 8, "-W", 64, "-H", 48));
    if (!options.isEmpty()) {
      args.addAll(List.of(options.split(" ")));
    }
    Outcome outcome = cli.run(args.toArray());
    assertThat(outcome.code()).as(outcome.err()).isEqualTo(ExitCode.DONE);
    return outcome;
  }

  private Json metadata() throws Exception {
    return Json.parse(cli.run("metadata", cli.output(), "--json").out().strip(), "metadata");
  }

  private static List<String> cacheKeys(Json facts) throws Exception {
    return facts.keys().stream()
        .filter(key -> key.startsWith("ref_cache") || key.equals("approximate"))
        .toList();
  }

  @Test
  void aLossyRunSaysSo() throws Exception {
    assertThat(edit("--ref-cache anchored --ref-cache-every never --ref-cache-dtype bf16").err())
        .contains(
            "\nref cache: anchored in bf16 (4.0 MB), 1 full and 7 cached passes,"
                + " 43.8 % of the operations saved, approximate\n");
    assertThat(edit("--ref-cache anchored --ref-cache-every 3 -b 2").err())
        .contains(
            "\npicture 2/2: ref cache: anchored in f32 (4.0 MB), 3 full and 5 cached passes,"
                + " 31.3 % of the operations saved, approximate;"
                + " drift at refreshes 0.031, 0.031 (relative)\n");
    assertThat(edit("--ref-cache anchored -q").err()).isEmpty();
  }

  @Test
  void anExactRunSaysSoOnlyWhenAsked() throws Exception {
    assertThat(edit("").err()).doesNotContain("ref cache");
    assertThat(edit("--ref-cache exact").err()).doesNotContain("ref cache");
    assertThat(edit("-v").err())
        .contains("\nref cache: exact, 8 full passes, 0.0 % of the operations saved\n");
    assertThat(edit("-v --ref-cache causal").err())
        .contains(
            "\nref cache: causal in f32 (4.0 MB), 1 prefill and 8 cached passes,"
                + " 50.0 % of the operations saved\n");
    assertThat(cli.run("generate", "-p", "x", "-o", cli.output(), "-v").err())
        .doesNotContain("ref cache");
  }

  @Test
  void manyRefreshesAreToldByTheirRange() {
    Double[] drift = new Double[20];
    Arrays.setAll(drift, i -> (i + 1) / 1000.0);

    assertThat(RefCacheLine.of(stats("rolling", true, -1e-9, Arrays.asList(drift))))
        .isEqualTo(
            "ref cache: rolling in int8 (1.5 MB), 2 full, 1 cached and 20 partial passes, 0.0 % of"
                + " the operations saved, approximate; drift at 20 refreshes 0.001 to 0.02, mean"
                + " 0.01 (relative)");
    assertThat(RefCacheLine.of(stats("rolling", true, 0, List.of(1.234e-7, 12.3, Double.NaN, 0.0))))
        .endsWith("; drift at refreshes 0.00000012, 12, NaN, 0 (relative)");
  }

  private static CacheStats stats(
      String policy, boolean approximate, double saved, List<Double> drift) {
    return new CacheStats(
        policy,
        "int8",
        approximate,
        2,
        1,
        20,
        0,
        100 * (1 - saved),
        100,
        7,
        8,
        1_500_000,
        9,
        21,
        1,
        List.of("prompt", "lora"),
        drift);
  }

  @Test
  void jsonHasEveryCounter() throws Exception {
    cli.engine.reuse = any -> stats("rolling", true, 0.25, List.of(0.5, 0.25));
    Json event = pictureEvent(edit("--json --ref-cache rolling"));

    Json expected =
        Json.parse(
            """
            {"policy":"rolling","dtype":"int8","approximate":true,"full_steps":2,
            "cached_steps":1,"partial_steps":20,"prefills":0,"flop":75.0,"flop_off":100.0,
            "saved":0.25,"rows_computed":7,"rows_reused":8,"bytes":1500000,"bytes_read":9,
            "hits":21,"misses":1,"missed_fields":["prompt","lora"],"drift":[0.5,0.25]}
            """,
            "expected");
    assertThat(event.get("ref_cache").raw()).isEqualTo(expected.raw());
    assertThat(event.get("metadata").get("approximate").asBoolean()).isTrue();
  }

  @Test
  void jsonOfAnExactRunHasNoDtype() throws Exception {
    Json event = pictureEvent(edit("--json"));

    assertThat(event.get("ref_cache").get("policy").asString()).isEqualTo("exact");
    assertThat(event.get("ref_cache").get("dtype").isNull()).isTrue();
    assertThat(event.get("ref_cache").get("approximate").asBoolean()).isFalse();
    assertThat(cacheKeys(event.get("metadata"))).isEmpty();
  }

  private static Json pictureEvent(Outcome outcome) throws Exception {
    for (String line : outcome.outLines()) {
      Json event = Json.parse(line, "event");
      if (event.get("event").asString().equals("picture")) {
        return event;
      }
    }
    throw new AssertionError("no picture event in " + outcome.out());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "--ref-cache auto",
        "--ref-cache off",
        "--ref-cache exact",
        "--ref-cache anchored",
        "--ref-cache anchored --ref-cache-warmup 2 --ref-cache-every 3 --ref-cache-layers 4-9",
        "--ref-cache anchored --ref-cache-layers 30- --ref-cache-dtype int8",
        "--ref-cache anchored --ref-cache-every 1",
        "--ref-cache rolling",
        "--ref-cache rolling --ref-cache-groups 7 --ref-cache-warmup 2 --ref-cache-dtype bf16",
        "--ref-cache rolling --ref-cache-groups 1",
        "--ref-cache adaptive",
        "--ref-cache adaptive --ref-cache-budget 0.00001 --ref-cache-dtype f16",
        "--ref-cache adaptive --ref-cache-budget 0",
        "--ref-cache causal",
        "--ref-cache causal --ref-cache-bank off --ref-cache-dtype bf16"
      })
  @DisabledOnOs(OS.WINDOWS)
  void theCommandOfAPictureAsksTheSameAgain(String options) throws Exception {
    edit(options);
    Outcome printed = cli.run("metadata", cli.output(), "--as-cli");
    Outcome again = cli.again(printed.out().strip());

    assertThat(again.code()).as(again.err()).isEqualTo(ExitCode.DONE);
    assertThat(cli.engine.edits.get(1))
        .usingRecursiveComparison()
        .isEqualTo(cli.engine.edits.getFirst());
    assertThat(printed.out()).contains(options.split(" --ref-cache-")[0]);
  }

  @Test
  void metadataHasWhatChangesThePicture() throws Exception {
    edit("");
    assertThat(cacheKeys(metadata())).isEmpty();
    edit("--ref-cache off");
    assertThat(cacheKeys(metadata())).containsExactly("ref_cache");
    edit("--ref-cache anchored --ref-cache-every 1");
    assertThat(cacheKeys(metadata()))
        .containsExactly("ref_cache", "ref_cache_warmup", "ref_cache_every");

    edit("--ref-cache anchored --ref-cache-every never --ref-cache-max 1G");
    Json facts = metadata();
    assertThat(cacheKeys(facts))
        .containsExactly(
            "ref_cache",
            "ref_cache_warmup",
            "ref_cache_every",
            "ref_cache_dtype",
            "approximate",
            "ref_cache_stats");
    assertThat(facts.get("approximate").asBoolean()).isTrue();
    assertThat(facts.get("ref_cache_every").asString()).isEqualTo("never");
    assertThat(facts.get("ref_cache_dtype").asString()).isEqualTo("f32");
    Json summary = facts.get("ref_cache_stats");
    assertThat(summary.keys())
        .containsExactly("saved", "full_steps", "cached_steps", "partial_steps");
    assertThat(summary.get("saved").asDouble()).isEqualTo(0.4375);
    assertThat(summary.get("cached_steps").asInt()).isEqualTo(7);
    assertThat(cli.run("metadata", cli.output()).outLines())
        .contains("ref_cache_stats: saved 0.4375, full_steps 1, cached_steps 7, partial_steps 0");
  }

  @Test
  void parametersOfOtherToolsNameALossyCache() throws Exception {
    edit("--ref-cache off");
    assertThat(PictureMetadata.read(cli.output()).parameters().orElseThrow())
        .doesNotContain("Ref cache");
    edit("--ref-cache rolling");
    assertThat(PictureMetadata.read(cli.output()).parameters().orElseThrow())
        .endsWith(", Ref cache: rolling");
  }

  /**
   * Where memory was short, the picture was made otherwise than asked, and so it is to be again.
   */
  @Test
  void metadataHasWhatWasDoneInPlaceOfWhatWasAsked() throws Exception {
    cli.engine.reuse = asked -> stats("anchored", true, 0.4, List.of());
    edit("--ref-cache anchored --ref-cache-every 3");
    assertThat(metadata().get("ref_cache_dtype").asString()).isEqualTo("int8");
    assertThat(metadata().get("ref_cache_every").asInt()).isEqualTo(3);

    cli.engine.reuse =
        asked ->
            new CacheStats(
                "exact", "", false, 8, 0, 0, 0, 99, 100, 1, 0, 0, 0, 0, 0, List.of(), List.of());
    edit("--ref-cache anchored --ref-cache-every 3");
    assertThat(cacheKeys(metadata())).containsExactly("ref_cache");
    assertThat(metadata().get("ref_cache").asString()).isEqualTo("exact");

    cli.engine.reuse = asked -> stats("causal", true, 0.4, Collections.nCopies(3, 0.1));
    edit("");
    assertThat(metadata().get("ref_cache").asString()).isEqualTo("causal");
    assertThat(metadata().get("ref_cache_dtype").asString()).isEqualTo("int8");
    assertThat(metadata().get("approximate").asBoolean()).isTrue();
  }

  @Test
  void aModelThatIsUnfitForThePolicyHasItsCode() throws Exception {
    cli.engine.afterStep =
        () -> {
          throw new UnfitModelException("ref cache: causal needs another model; use exact");
        };
    Outcome outcome = cli.run("edit", "-r", cli.picture(), "-p", "x", "-o", cli.output());

    assertThat(outcome.code()).isEqualTo(ExitCode.MODEL);
    assertThat(outcome.err())
        .endsWith("inkstone: ref cache: causal needs another model; use exact\n");
    assertThat(cli.files()).containsExactly("in.png");
  }
}
