package inkstone.app.cli;

import static org.assertj.core.api.Assertions.assertThat;

import inkstone.app.cli.CliHarness.Outcome;
import inkstone.model.kv.KvDtype;
import inkstone.model.kv.KvPolicy;
import inkstone.model.pipeline.RefCache;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** The options of the reference cache: what reaches the engine, and what is refused before. */
final class RefCacheOptionsTest {
  @TempDir Path folder;

  private CliHarness cli;

  @BeforeEach
  void harness() {
    cli = new CliHarness(folder);
  }

  private Outcome edit(String options) throws Exception {
    List<Object> args = new ArrayList<>(List.of("edit", "-r", cli.picture(), "-p", "x"));
    args.addAll(List.of("-o", cli.output(), "--steps", 4));
    args.addAll(List.of(options.split(" ")));
    return cli.run(args.toArray());
  }

  static Stream<Arguments> accepted() {
    int never = KvPolicy.NEVER;
    int all = KvPolicy.LAST_LAYER;
    return Stream.of(
        taken("auto", KvPolicy.auto()),
        taken("off", KvPolicy.off()),
        taken("exact", KvPolicy.exact()),
        taken("anchored", defaultAnchored(0, all)),
        taken(
            "anchored --ref-cache-warmup 2 --ref-cache-every 3 --ref-cache-layers 4-9",
            new KvPolicy.Anchored(2, 3, 4, 9)),
        taken(
            "anchored --ref-cache-every never --ref-cache-warmup 1",
            new KvPolicy.Anchored(1, never, 0, all)),
        taken("anchored --ref-cache-layers 7-7", defaultAnchored(7, 7)),
        taken("anchored --ref-cache-layers 30-", defaultAnchored(30, all)),
        taken(
            "rolling",
            new KvPolicy.Rolling(KvPolicy.Rolling.DEFAULT_GROUPS, KvPolicy.Rolling.DEFAULT_WARMUP)),
        taken("rolling --ref-cache-groups 8 --ref-cache-warmup 2", new KvPolicy.Rolling(8, 2)),
        taken("adaptive", new KvPolicy.Adaptive(KvPolicy.Adaptive.DEFAULT_BUDGET)),
        taken("adaptive --ref-cache-budget 0.025", new KvPolicy.Adaptive(0.025)),
        taken("adaptive --ref-cache-budget 0", new KvPolicy.Adaptive(0)),
        taken("causal", new KvPolicy.Causal(true)),
        taken("causal --ref-cache-bank on", new KvPolicy.Causal(true)),
        taken("causal --ref-cache-bank off", new KvPolicy.Causal(false)),
        taken("Anchored --ref-cache-every NEVER", new KvPolicy.Anchored(1, never, 0, all)));
  }

  private static KvPolicy defaultAnchored(int first, int last) {
    return new KvPolicy.Anchored(
        KvPolicy.Anchored.DEFAULT_WARMUP, KvPolicy.Anchored.DEFAULT_EVERY, first, last);
  }

  private static Arguments taken(String options, KvPolicy policy) {
    return Arguments.of(options, policy);
  }

  @ParameterizedTest
  @MethodSource("accepted")
  void policiesReachTheEngine(String options, KvPolicy policy) throws Exception {
    Outcome outcome = edit("--ref-cache " + options);

    assertThat(outcome.code()).as(outcome.err()).isEqualTo(ExitCode.DONE);
    assertThat(cli.engine.edits.getFirst().refCache()).isEqualTo(RefCache.of(policy));
  }

  @Test
  void silenceLeavesItToTheEngine() throws Exception {
    edit("-s 1");

    assertThat(cli.engine.edits.getFirst().refCache()).isNull();
  }

  @ParameterizedTest
  @CsvSource({
    "--ref-cache-dtype int8 --ref-cache-max 2G, INT8, 2147483648",
    "--ref-cache-dtype BF16 --ref-cache-max 512MiB, BF16, 536870912",
    "--ref-cache-dtype f16 --ref-cache-max 1.5gb, F16, 1500000000",
    "--ref-cache-dtype f32 --ref-cache-max 4096, F32, 4096"
  })
  void storageReachesTheEngine(String options, KvDtype dtype, long bytes) throws Exception {
    for (String policy : List.of("anchored", "rolling", "adaptive", "causal")) {
      Outcome outcome = edit("--ref-cache " + policy + " " + options);

      assertThat(outcome.code()).as(outcome.err()).isEqualTo(ExitCode.DONE);
      assertThat(cli.engine.edits.getLast().refCache().policy().word()).isEqualTo(policy);
      assertThat(cli.engine.edits.getLast().refCache().dtype()).isEqualTo(dtype);
      assertThat(cli.engine.edits.getLast().refCache().maxBytes()).isEqualTo(bytes);
    }
  }

  static Stream<Arguments> refused() {
    List<Arguments> cases = new ArrayList<>();
    foreign(cases, "--ref-cache-warmup 2", "anchored or rolling", "anchored", "rolling");
    foreign(cases, "--ref-cache-every 2", "anchored", "anchored");
    foreign(cases, "--ref-cache-layers 0-3", "anchored", "anchored");
    foreign(cases, "--ref-cache-groups 2", "rolling", "rolling");
    foreign(cases, "--ref-cache-budget 0.1", "adaptive", "adaptive");
    foreign(cases, "--ref-cache-bank on", "causal", "causal");
    String[] keeping = {"anchored", "rolling", "adaptive", "causal"};
    foreign(cases, "--ref-cache-dtype bf16", "anchored, rolling, adaptive or causal", keeping);
    foreign(cases, "--ref-cache-max 1G", "anchored, rolling, adaptive or causal", keeping);
    String steps = ": expected a whole number from 1 to 1000, got ";
    String size = "--ref-cache-max: expected a size from 1024 bytes to 1024T, such as 512M or 2G";
    String layers = "--ref-cache-layers: expected first and last layer such as 0-29";
    cases.addAll(
        List.of(
            wrong("--ref-cache on", "--ref-cache: expected auto or off or exact or anchored"),
            wrong("--ref-cache", "--ref-cache needs a value"),
            wrong("--ref-cache off --ref-cache off", "--ref-cache is given more than once"),
            wrong("anchored --ref-cache-warmup 0", "--ref-cache-warmup" + steps + "\"0\""),
            wrong("rolling --ref-cache-warmup 1001", "--ref-cache-warmup" + steps + "\"1001\""),
            wrong("anchored --ref-cache-every 0", "--ref-cache-every" + steps + "\"0\""),
            wrong("anchored --ref-cache-every 2.5", "--ref-cache-every" + steps + "\"2.5\""),
            wrong("anchored --ref-cache-layers 5", layers + ", or 30- to the last, got \"5\""),
            wrong("anchored --ref-cache-layers 5-3", layers),
            wrong("anchored --ref-cache-layers -3", layers),
            wrong("anchored --ref-cache-layers 0-99999", layers),
            wrong("anchored --ref-cache-layers 1-2-3", layers),
            wrong("rolling --ref-cache-groups 0", "--ref-cache-groups" + steps + "\"0\""),
            wrong("rolling --ref-cache-groups x", "--ref-cache-groups" + steps + "\"x\""),
            wrong("adaptive --ref-cache-budget -1", "--ref-cache-budget: expected a number from"),
            wrong("adaptive --ref-cache-budget NaN", "--ref-cache-budget: expected a number from"),
            wrong("adaptive --ref-cache-budget 10%", "--ref-cache-budget: expected a number from"),
            wrong("causal --ref-cache-bank auto", "--ref-cache-bank: expected on or off"),
            wrong(
                "anchored --ref-cache-dtype f8", "--ref-cache-dtype: expected f32 or bf16 or f16"),
            wrong("anchored --ref-cache-max 0", size),
            wrong("anchored --ref-cache-max 2", size),
            wrong("anchored --ref-cache-max -2G", size),
            wrong("anchored --ref-cache-max 2X", size),
            wrong("anchored --ref-cache-max 2000T", size),
            wrong("anchored --ref-cache-max 99999999999999999999", size),
            wrong("anchored --ref-cache-max G", size)));
    return cases.stream();
  }

  /** Every policy that does not take the option, and none at all. */
  private static void foreign(
      List<Arguments> cases, String option, String named, String... takers) {
    String message = option.split(" ")[0] + " needs --ref-cache " + named + ", got ";
    cases.add(wrong(option, message + "no --ref-cache\n  leave it out, or add --ref-cache"));
    for (String policy :
        List.of("auto", "off", "exact", "anchored", "rolling", "adaptive", "causal")) {
      if (!List.of(takers).contains(policy)) {
        cases.add(wrong(policy + " " + option, message + "--ref-cache " + policy + "\n"));
      }
    }
  }

  private static Arguments wrong(String options, String message) {
    return Arguments.of(options.startsWith("-") ? options : "--ref-cache " + options, message);
  }

  @ParameterizedTest
  @MethodSource("refused")
  void mistakesAreRefusedBeforeTheModelOpens(String options, String message) throws Exception {
    Outcome outcome = edit(options);

    assertThat(outcome.code()).as(outcome.err()).isEqualTo(ExitCode.USAGE);
    assertThat(outcome.err()).startsWith("inkstone: ").contains(message);
    assertThat(outcome.errLines()).hasSizeBetween(1, 2);
    assertThat(outcome.out()).isEmpty();
    assertThat(cli.engine.openedModel).isNull();
    assertThat(cli.files()).containsExactly("in.png");
  }

  @Test
  void generateHasNoReferencesToReuse() throws Exception {
    for (String option : List.of("--ref-cache", "--ref-cache=off", "--ref-cache-max")) {
      Outcome outcome = cli.run("generate", "-p", "x", "-o", cli.output(), option, "off");

      assertThat(outcome.code()).isEqualTo(ExitCode.USAGE);
      assertThat(outcome.err())
          .isEqualTo(
              "inkstone: unknown option \"%s\"\n".formatted(option)
                  + "  edit, drift, plan and bench take it; 'inkstone generate --help' lists what there is\n");
    }
    assertThat(cli.run("generate", "--help").out()).doesNotContain("--ref-cache");
  }

  @Test
  void helpHasThemUnderAHeading() {
    String help = cli.run("edit", "--help").out();

    assertThat(help.substring(help.indexOf("\nReference cache:\n")))
        .contains("--ref-cache=POLICY", "--ref-cache-layers=A-B", "--ref-cache-bank=MODE", "10%");
  }
}
