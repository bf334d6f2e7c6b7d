package inkstone.app.cli;

import inkstone.model.bench.BenchCase;
import inkstone.model.bench.BenchMachine;
import inkstone.model.bench.BenchResult;
import inkstone.model.bench.BenchSession;
import inkstone.model.bench.BenchTimes;
import inkstone.model.bench.BenchWork;
import inkstone.model.bench.ReuseResult;
import inkstone.tensor.DType;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The fields of {@code bench --json}; docs/cli.md lists them. */
final class BenchJson {
  private BenchJson() {}

  static Map<String, Object> of(BenchSession session, List<BenchResult> results) {
    return all(session, results.stream().map(result -> result(result, results)).toList());
  }

  static Map<String, Object> ofReuse(BenchSession session, List<ReuseResult> results) {
    return all(session, results.stream().map(BenchReuseJson::of).toList());
  }

  private static Map<String, Object> all(BenchSession session, List<Map<String, Object>> results) {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("machine", machine(session));
    map.put("results", results);
    map.put("peakResidentBytes", BenchMachine.peakResidentBytes());
    return map;
  }

  static Map<String, Object> machine(BenchSession session) {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("version", Version.number());
    map.put("cpu", BenchMachine.cpu());
    map.put("cores", BenchMachine.cores());
    map.put("jdk", BenchMachine.jdk());
    map.put("vectorBits", session.vectorBits());
    return map;
  }

  /** The fields that name a case. */
  static Map<String, Object> of(BenchCase of) {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("work", of.work().word());
    map.put("sizes", of.sizes());
    map.put("dtype", of.dtype().name());
    map.put("threads", of.threads());
    return map;
  }

  private static Map<String, Object> result(BenchResult result, List<BenchResult> all) {
    Map<String, Object> map = of(result.of());
    times(map, result.times());
    map.put("seconds", result.times().seconds());
    map.put("flop", result.facts().flop());
    map.put("gflops", result.flops() / 1e9);
    map.put("peakGflops", result.peakFlops() / 1e9);
    map.put("peakShare", result.peakShare());
    map.put("bytesPerSecond", result.bytesPerSecond());
    Double ratio = ratioToF32(result, all);
    if (ratio != null) {
      map.put("ratioToF32", ratio);
    }
    if (result.facts().mappedBytes() > 0) {
      map.put("mappedBytes", result.facts().mappedBytes());
      map.put("peakResidentBytes", result.residentBytes());
    }
    if (!result.parts().isEmpty()) {
      map.put("parts", result.parts().stream().map(BenchJson::part).toList());
      map.put("partsSeconds", result.partsSeconds());
      map.put("joiningShare", result.joiningShare());
      map.put("glueShare", result.glueShare());
    }
    return map;
  }

  private static Map<String, Object> part(BenchResult.Part part) {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("name", part.name());
    map.put("family", part.family());
    times(map, part.times());
    return map;
  }

  static void times(Map<String, Object> map, BenchTimes times) {
    map.put("runs", times.seconds().size());
    map.put("median", times.median());
    map.put("min", times.min());
    map.put("max", times.max());
  }

  /** Speed relative to F32 weights of the same shape on as many threads; null without those. */
  static Double ratioToF32(BenchResult result, List<BenchResult> all) {
    BenchWork work = result.of().work();
    if (result.of().dtype() == DType.F32 || (work != BenchWork.GEMM && work != BenchWork.GEMV)) {
      return null;
    }
    BenchCase plain = new BenchCase(work, result.of().sizes(), DType.F32, result.of().threads());
    for (BenchResult other : all) {
      if (other.of().equals(plain)) {
        return other.times().median() / result.times().median();
      }
    }
    return null;
  }
}
