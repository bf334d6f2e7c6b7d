package inkstone.app.cli;

import inkstone.model.bench.BenchCase;
import inkstone.model.bench.BenchResult;
import inkstone.model.bench.BenchRounds;
import inkstone.model.bench.BenchSession;
import inkstone.model.bench.ReuseCase;
import inkstone.model.bench.ReuseResult;
import inkstone.model.bench.ReuseRounds;
import inkstone.model.pipeline.RefCache;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Measures the layers at the real model's dimensions. */
@Command(
    name = "bench",
    header = "Measure the layers at the real model's dimensions, over random weights.",
    sortOptions = false,
    footer = {
      "",
      "WORK is gemm, gemv, attention, block, vae, vae-decode, vae-encode, text,",
      "text-decoder, text-vision, step, peak, or all (default: gemm attention block).",
      "",
      "Examples:",
      "  inkstone bench gemm --dtype f32,bf16 --threads 1,2",
      "  inkstone bench step --refs 1 --layers 2 --json",
      "  inkstone bench step --size 512 --ref-cache anchored",
      "  inkstone bench gemm --shape m=2304,n=12288,k=3072"
    })
final class BenchCommand implements Callable<Integer> {
  private static final int MOST_RUNS = 1000;

  private final Cli cli;

  @Parameters(paramLabel = "WORK", arity = "0..*", description = "What to measure")
  private List<String> works = new ArrayList<>();

  @Mixin private BenchOptions options;

  @Mixin private BenchReuseOptions reuse;

  @Option(
      names = "--runs",
      paramLabel = "N",
      description =
          "Runs of each, in turn with the others; the median counts (default: 5, of loops 3)")
  private String runs;

  @Option(names = "--json", description = "One JSON object instead of a table")
  private boolean json;

  @Option(
      names = "--serve-lines",
      description =
          "Stay, and answer each JSON request on standard input with a line of JSON; bench/compare"
              + " uses it to take turns with other engines")
  private boolean serve;

  @Mixin TraceOption trace;

  @Mixin HelpOption help;

  BenchCommand(Cli cli) {
    this.cli = cli;
  }

  @Override
  public Integer call() throws Failure, IOException {
    if (serve) {
      if (!works.isEmpty() || json || runs != null || options.given() || reuse.given()) {
        throw Failure.usage(
            "--serve-lines takes its work from standard input", "leave out all that is beside it");
      }
      try (BenchSession session = new BenchSession()) {
        new BenchServer(session, cli.out()).serve(cli.in());
      }
      return ExitCode.DONE;
    }
    RefCache wish = reuse.policy(works);
    int rounds =
        runs == null ? (wish == null ? 5 : 3) : Numbers.whole("--runs", runs, 1, MOST_RUNS);
    List<List<BenchCase>> groups = options.groups(works);
    if (wish == null) {
      measure(groups, rounds);
    } else {
      measureLoops(groups, wish, rounds);
    }
    return ExitCode.DONE;
  }

  private void measure(List<List<BenchCase>> groups, int rounds) {
    List<BenchResult> results = new ArrayList<>();
    try (BenchSession session = new BenchSession()) {
      if (!json) {
        BenchText.machine(cli.out(), session);
        BenchText.heading(cli.out());
      }
      for (List<BenchCase> group : groups) {
        List<BenchResult> measured = BenchRounds.measure(session, group, rounds);
        session.clear();
        results.addAll(measured);
        if (!json) {
          BenchText.rows(cli.out(), measured);
        }
      }
      if (json) {
        cli.out().println(JsonText.of(BenchJson.of(session, results)));
      }
    }
  }

  private void measureLoops(List<List<BenchCase>> groups, RefCache wish, int rounds)
      throws Failure {
    List<ReuseCase> loops = new ArrayList<>();
    for (List<BenchCase> group : groups) {
      for (BenchCase step : group) {
        loops.add(reuse.of(step, wish));
      }
    }
    List<ReuseResult> results = new ArrayList<>();
    try (BenchSession session = new BenchSession()) {
      if (!json) {
        BenchText.machine(cli.out(), session);
      }
      for (ReuseCase loop : loops) {
        ReuseResult result = ReuseRounds.measure(session, loop, rounds);
        results.add(result);
        if (!json) {
          BenchReuseText.print(cli.out(), result);
        }
      }
      if (json) {
        cli.out().println(JsonText.of(BenchJson.ofReuse(session, results)));
      }
    }
  }
}
