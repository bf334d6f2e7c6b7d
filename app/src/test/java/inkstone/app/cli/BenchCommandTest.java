package inkstone.app.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import inkstone.app.cli.CliHarness.Outcome;
import inkstone.loader.json.Json;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** bench at sizes that take no time: what it prints, never how fast it was. */
final class BenchCommandTest {
  private static final String DIT = "tokens=24,text=6,heads=2,head_dim=16,text_dim=20";
  private static final String STEP = "size=48,refs=2,text=6,heads=2,head_dim=16,text_dim=20";

  @TempDir Path folder;

  private CliHarness cli;

  @BeforeEach
  void harness() {
    cli = new CliHarness(folder);
  }

  static Stream<Arguments> mistakes() {
    return Stream.of(
        Arguments.of("gem", "unknown work \"gem\""),
        Arguments.of("gemm --runs 0", "--runs: expected a whole number from 1 to 1000, got \"0\""),
        Arguments.of("gemm --runs many", "--runs: expected a whole number"),
        Arguments.of("gemm --threads 0", "--threads: expected a whole number from 1 to 1024"),
        Arguments.of("gemm --threads 1,", "--threads: expected a whole number from 1 to 1024"),
        Arguments.of("gemm --dtype F31", "--dtype: expected one of [F32, BF16,"),
        Arguments.of("gemm --dtype I64", "--dtype: expected one of [F32, BF16,"),
        Arguments.of("block --dtype Q8_0", "--dtype: expected for block one of [BF16, F16, F32]"),
        Arguments.of("gemm --tokens 5", "size \"tokens\" belongs to none of the works"),
        Arguments.of("gemm --shape j=5", "size \"j\" belongs to none of the works"),
        Arguments.of("gemm --shape m", "--shape: expected NAME=N with commas between, got \"m\""),
        Arguments.of("gemm --shape m=x", "--shape m: expected a whole number"),
        Arguments.of("gemm --shape m=0", "size m, expected 1 to 16777216, got 0"),
        Arguments.of("gemm --dtype Q4_K --shape m=1,n=8,k=100", "multiple of its block of 256"),
        Arguments.of("vae-decode --size 33", "size, expected a multiple of 8 pixels, got 33"),
        Arguments.of("step --size 15", "size, expected 16 pixels or more, got 15"),
        Arguments.of("step --refs -1", "--refs: expected a whole number from 0"),
        Arguments.of("gemm --ref-cache exact", "--ref-cache measures step alone"),
        Arguments.of("step gemm --ref-cache exact", "--ref-cache measures step alone"),
        Arguments.of("step --ref-cache most", "--ref-cache: expected auto or off or exact"),
        Arguments.of("step --ref-cache causal", "policy, expected off, exact, anchored"),
        Arguments.of("step --ref-cache anchored --refs 0", "refs, expected 1 or more, got 0"),
        Arguments.of("step --ref-cache anchored --steps 1", "--steps: expected a whole number"),
        Arguments.of("step --ref-cache exact --zero-cond-t auto", "--zero-cond-t: expected on or"),
        Arguments.of("step --ref-cache anchored --ref-cache-max 1G", "--ref-cache-max: bench"),
        Arguments.of("step --ref-cache-warmup 2", "--ref-cache-warmup needs --ref-cache"),
        Arguments.of("step --steps 4", "--steps needs --ref-cache"),
        Arguments.of("step --zero-cond-t off", "--zero-cond-t needs --ref-cache"),
        Arguments.of("--serve-lines --ref-cache off", "--serve-lines takes its work"),
        Arguments.of("--serve-lines gemm", "--serve-lines takes its work from standard input"),
        Arguments.of("--serve-lines --runs 2", "--serve-lines takes its work from standard input"));
  }

  @ParameterizedTest
  @MethodSource("mistakes")
  void mistakesAreNamed(String args, String message) {
    Outcome outcome = cli.run(Stream.of(("bench " + args).split(" ")).toArray());

    assertThat(outcome.code()).as(outcome.err()).isEqualTo(ExitCode.USAGE);
    assertThat(outcome.err()).contains(message);
    assertThat(outcome.errLines()).hasSizeBetween(1, 2);
  }

  @Test
  void jsonHasTheDocumentedFields() throws Exception {
    Outcome outcome =
        cli.run(
            "bench",
            "gemm",
            "--dtype",
            "bf16,Q8_0",
            "--shape",
            "m=5,n=40,k=96",
            "-t",
            "1,2",
            "--runs",
            "3",
            "--json");

    assertThat(outcome.code()).as(outcome.err()).isEqualTo(ExitCode.DONE);
    assertThat(outcome.outLines()).hasSize(1);
    Json json = Json.parse(outcome.out(), "bench");
    assertThat(json.get("machine").keys())
        .containsExactlyInAnyOrder("version", "cpu", "cores", "jdk", "vectorBits");
    assertThat(json.get("machine").get("vectorBits").asInt()).isIn(128, 256, 512);
    List<Json> results = json.get("results").items();
    assertThat(results).hasSize(6); // two threads of F32, BF16, Q8_0
    Json bf16 = results.get(1);
    assertThat(bf16.keys())
        .containsExactlyInAnyOrder(
            "work",
            "sizes",
            "dtype",
            "threads",
            "runs",
            "median",
            "min",
            "max",
            "seconds",
            "flop",
            "gflops",
            "peakGflops",
            "peakShare",
            "bytesPerSecond",
            "ratioToF32");
    assertThat(results.get(0).has("ratioToF32")).isFalse();
    assertThat(bf16.get("work").asString()).isEqualTo("gemm");
    assertThat(bf16.get("dtype").asString()).isEqualTo("BF16");
    assertThat(bf16.get("threads").asInt()).isEqualTo(1);
    assertThat(results.get(4).get("threads").asInt()).isEqualTo(2);
    assertThat(bf16.get("sizes").get("k").asInt()).isEqualTo(96);
    assertThat(bf16.get("runs").asInt()).isEqualTo(3);
    assertThat(bf16.get("seconds").items()).hasSize(3);
    assertThat(bf16.get("flop").asDouble()).isEqualTo(2.0 * 5 * 40 * 96);
    double median = bf16.get("median").asDouble();
    assertThat(median)
        .isBetween(bf16.get("min").asDouble(), bf16.get("max").asDouble())
        .isPositive();
    assertThat(bf16.get("gflops").asDouble()).isEqualTo(2.0 * 5 * 40 * 96 / median / 1e9);
  }

  @Test
  void aStepComesWithItsParts() throws Exception {
    Outcome json = cli.run("bench", "step", "--shape", STEP, "--runs", "2", "-t", "2", "--json");
    Outcome table = cli.run("bench", "step", "--shape", STEP, "--runs", "1", "-t", "2");

    assertThat(json.code()).as(json.err()).isEqualTo(ExitCode.DONE);
    Json step = Json.parse(json.out(), "bench").get("results").items().getFirst();
    double sum = 0;
    for (Json part : step.get("parts").items()) {
      assertThat(part.keys())
          .containsExactlyInAnyOrder("name", "family", "runs", "median", "min", "max");
      sum += part.get("median").asDouble();
    }
    assertThat(step.get("partsSeconds").asDouble()).isCloseTo(sum, within(1e-9));
    assertThat(step.get("joiningShare").asDouble())
        .isCloseTo(step.get("median").asDouble() / sum - 1, within(1e-6));
    assertThat(step.get("glueShare").asDouble()).isBetween(0.0, 1.0);
    assertThat(step.get("mappedBytes").asLong()).isPositive();
    assertThat(table.out())
        .contains("feed-forward in")
        .contains("sum of the parts")
        .contains("norms and RoPE: ")
        .contains("GB of weights mapped");
  }

  @Test
  void aLoopIsHeldAgainstItsFormulas() throws Exception {
    Outcome json =
        cli.run(
            "bench",
            "step",
            "--shape",
            STEP,
            "--ref-cache",
            "anchored",
            "--ref-cache-dtype",
            "bf16",
            "--steps",
            "4",
            "--runs",
            "1",
            "-t",
            "1,2",
            "--json");

    assertThat(json.code()).as(json.err()).isEqualTo(ExitCode.DONE);
    List<Json> results = Json.parse(json.out(), "bench").get("results").items();
    assertThat(results).hasSize(2); // threads
    Json result = results.get(1);
    assertThat(result.keys())
        .containsExactlyInAnyOrder("work", "sizes", "dtype", "threads", "ref_cache");
    assertThat(result.get("threads").asInt()).isEqualTo(2);
    Json cache = result.get("ref_cache");
    assertThat(cache.keys())
        .containsExactlyInAnyOrder(
            "policy",
            "parameters",
            "dtype",
            "steps",
            "zero_cond_t",
            "tokens",
            "reference_tokens",
            "rows_share",
            "full_ms",
            "loop_off_ms",
            "flop_off",
            "reusing_steps",
            "cached_ms",
            "saved",
            "step_flop_saved",
            "saved_of_share",
            "blocks_saved_of_share",
            "loop_ms",
            "loop_saved",
            "flop",
            "flop_saved",
            "loop_saved_of_flop",
            "loop_blocks_saved_of_flop",
            "rows_computed",
            "rows_reused",
            "keeping_full_ms",
            "flop_saved_formula",
            "cache_bytes",
            "cache_bytes_formula",
            "as_edit",
            "times");
    double share = 18 / 33.0; // 9 target, 18 reference, 6 text tokens
    assertThat(cache.get("policy").asString()).isEqualTo("anchored");
    assertThat(cache.get("parameters").asString()).isEqualTo("anchored warmup=1");
    assertThat(cache.get("dtype").asString()).isEqualTo("bf16");
    assertThat(cache.get("rows_share").asDouble()).isEqualTo(share);
    assertThat(cache.get("step_flop_saved").asDouble()).isCloseTo(share, within(1e-12));
    assertThat(cache.get("flop_saved").asDouble()).isCloseTo(0.75 * share, within(1e-12));
    assertThat(cache.get("flop_saved_formula").asDouble()).isCloseTo(0.75 * share, within(1e-12));
    assertThat(cache.get("rows_reused").asInt()).isEqualTo(2 * 3 * 18);
    assertThat(cache.get("cache_bytes").asInt()).isEqualTo(2 * 2 * 18 * 32 * 2);
    assertThat(cache.get("cache_bytes_formula").asInt()).isEqualTo(2 * 2 * 18 * 32 * 2);
    assertThat(cache.get("saved").asDouble())
        .isCloseTo(
            1 - cache.get("cached_ms").asDouble() / cache.get("full_ms").asDouble(), within(1e-9));
    assertThat(cache.get("saved_of_share").asDouble())
        .isCloseTo(cache.get("saved").asDouble() / share, within(1e-9));
    assertThat(cache.get("as_edit").get("flop_saved").asDouble()).isGreaterThan(0.75 * share);
    assertThat(cache.get("times").get("keys").get("cached").get("runs").asInt()).isEqualTo(3);
  }

  @Test
  void aLoopHasATable() {
    Outcome anchored = loop("anchored", "--ref-cache-warmup", "2");
    Outcome exact = loop("exact", "--zero-cond-t", "off");
    Outcome off = loop("off");

    assertThat(anchored.out())
        .contains("anchored warmup=2, kept as F32, 4 steps, zero_cond_t on: N = 33 tokens, R = 18")
        .contains("off: full step")
        .contains("kept keys and values: step that reuses")
        .contains("as an edit: 4 steps")
        .contains("(R/N is 54.5 %)")
        .contains("9216 bytes kept, 9216 by the formula")
        .contains("72 of 264 rows not computed");
    assertThat(exact.out())
        .contains("exact, 4 steps, zero_cond_t off")
        .contains("an edit saves of off")
        .doesNotContain("bytes kept");
    assertThat(off.out()).contains("off: 4 steps").doesNotContain("edit");
  }

  private Outcome loop(String policy, String... more) {
    List<String> args =
        new ArrayList<>(
            List.of("bench", "step", "--shape", STEP, "--steps", "4", "--runs", "1", "-t", "2"));
    args.addAll(List.of("--ref-cache", policy));
    args.addAll(List.of(more));
    Outcome outcome = cli.run(args.toArray());
    assertThat(outcome.code()).as(outcome.err()).isEqualTo(ExitCode.DONE);
    return outcome;
  }

  @Test
  void everyWorkHasARow() {
    Outcome outcome =
        cli.run(
            "bench",
            "gemv",
            "attention",
            "block",
            "text",
            "vae",
            "peak",
            "read",
            "--runs",
            "1",
            "-t",
            "2",
            "--layers",
            "1",
            "--size",
            "32",
            "--dtype",
            "BF16",
            "--shape",
            DIT
                + ",n=40,k=96,base_dim=8,side=4,hidden=32,kv_heads=1,intermediate=24,out=16,"
                + "megabytes=1");

    assertThat(outcome.code()).as(outcome.err()).isEqualTo(ExitCode.DONE);
    for (String work :
        List.of(
            "gemv",
            "attention",
            "block",
            "text-decoder",
            "text-vision",
            "vae-decode",
            "vae-encode",
            "peak",
            "read")) {
      assertThat(outcome.outLines()).as(work).anyMatch(line -> (line + " ").startsWith(work + " "));
    }
  }

  @Test
  void servesLines() throws Exception {
    cli.stdin =
        """
        {"work":"machine"}
        {"work":"gemm","m":3,"n":20,"k":64,"dtype":"Q4_0","threads":2,"runs":2}

        {"work":"gemm","m":3,"n":20,"k":64,"dtype":"Q4_0","threads":2,"runs":0}
        {"work":"gemm","j":3}
        {"work":"bread"}
        not JSON
        {"work":"clear"}
        """;
    Outcome outcome = cli.run("bench", "--serve-lines");

    assertThat(outcome.code()).as(outcome.err()).isEqualTo(ExitCode.DONE);
    List<String> lines = outcome.outLines();
    assertThat(lines).hasSize(7);
    assertThat(Json.parse(lines.get(0), "machine").has("cpu")).isTrue();
    Json twice = Json.parse(lines.get(1), "gemm");
    assertThat(twice.keys())
        .containsExactlyInAnyOrder(
            "work",
            "sizes",
            "dtype",
            "threads",
            "seconds",
            "flop",
            "bytes",
            "mappedBytes",
            "peakResidentBytes");
    assertThat(twice.get("seconds").items()).hasSize(2);
    assertThat(twice.get("flop").asDouble()).isEqualTo(2.0 * 3 * 20 * 64);
    assertThat(Json.parse(lines.get(2), "gemm").get("seconds").items()).isEmpty();
    assertThat(lines.get(3)).contains("error").contains("expected one of [m, n, k]");
    assertThat(lines.get(4)).contains("error").contains("unknown work");
    assertThat(lines.get(5)).contains("error");
    assertThat(lines.get(6)).isEqualTo("{\"cleared\":true}");
  }
}
