package inkstone.model.bench;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Measures cases in rounds: in each every case runs once, between runs of the peak kernel, so that
 * what slows the machine down for a while slows all of them.
 */
public final class BenchRounds {
  private BenchRounds() {}

  /**
   * Measures some cases against each other.
   *
   * @param runs rounds, 1 or more
   * @return one result a case, in order
   */
  public static List<BenchResult> measure(BenchSession session, List<BenchCase> cases, int runs) {
    Map<Integer, BenchCase> peaks = new LinkedHashMap<>();
    for (BenchCase of : cases) {
      peaks.computeIfAbsent(
          of.threads(),
          threads ->
              new BenchCase(BenchWork.PEAK, Map.of(), BenchWork.PEAK.dtypes().getFirst(), threads));
    }
    cases.forEach(session::prepare);
    peaks.values().forEach(session::prepare);

    Map<BenchCase, List<Double>> seconds = new HashMap<>();
    Map<Workload.Part, List<Double>> partSeconds = new HashMap<>();
    for (int round = 0; round < runs; round++) {
      for (BenchCase of : cases) {
        BenchCase peak = peaks.get(of.threads());
        add(seconds, peak, session.run(peak));
        if (of.work() == BenchWork.PEAK) {
          continue;
        }
        add(seconds, of, session.run(of));
        for (Workload.Part part : session.workload(of).parts()) {
          add(partSeconds, part, Workload.seconds(part.work()));
        }
      }
    }

    List<BenchResult> results = new ArrayList<>();
    for (BenchCase of : cases) {
      BenchCase peak = peaks.get(of.threads());
      double peakFlops = session.facts(peak).flop() / new BenchTimes(seconds.get(peak)).median();
      List<BenchResult.Part> parts =
          session.workload(of).parts().stream()
              .map(part ->
                  new BenchResult.Part(
                      part.name(), part.family(), new BenchTimes(partSeconds.get(part))))
              .toList();
      results.add(
          new BenchResult(
              of,
              new BenchTimes(seconds.get(of)),
              session.facts(of),
              peakFlops,
              BenchMachine.peakResidentBytes(),
              parts));
    }
    return results;
  }

  private static <T> void add(Map<T, List<Double>> all, T key, double value) {
    all.computeIfAbsent(key, k -> new ArrayList<>()).add(value);
  }
}
