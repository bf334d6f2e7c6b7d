package inkstone.app.cli;

import inkstone.loader.CheckpointException;
import inkstone.loader.json.Json;
import inkstone.model.bench.BenchCase;
import inkstone.model.bench.BenchFacts;
import inkstone.model.bench.BenchMachine;
import inkstone.model.bench.BenchSession;
import inkstone.model.bench.BenchWork;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * {@code bench --serve-lines}: each line asks for some runs of one case and gets a line back. What
 * was asked for stays set up and warm until {@code {"work":"clear"}}.
 */
final class BenchServer {
  private static final int MOST = 1 << 24;

  private final BenchSession session;
  private final PrintStream out;

  BenchServer(BenchSession session, PrintStream out) {
    this.session = session;
    this.out = out;
  }

  /** Answers until the input ends. */
  void serve(InputStream in) throws IOException {
    BufferedReader lines = new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8));
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      if (!line.isBlank()) {
        out.println(JsonText.of(reply(line)));
        out.flush();
      }
    }
  }

  private Map<String, Object> reply(String line) {
    try {
      Json request = Json.parse(line, "request");
      return switch (request.get("work").asString()) {
        case "machine" -> BenchJson.machine(session);
        case "clear" -> {
          session.clear();
          yield Map.of("cleared", true);
        }
        default -> measured(request);
      };
    } catch (Failure e) {
      return Map.of("error", e.getMessage() + "; " + e.nextStep());
    } catch (CheckpointException | RuntimeException | OutOfMemoryError e) {
      return Map.of("error", String.valueOf(e.getMessage()));
    }
  }

  private Map<String, Object> measured(Json request) throws CheckpointException, Failure {
    BenchCase of = parse(request);
    session.prepare(of);
    List<Double> seconds = new ArrayList<>();
    for (int run = request.integer("runs", 1, 0, 1000); run > 0; run--) {
      seconds.add(session.run(of));
    }
    BenchFacts facts = session.facts(of);
    Map<String, Object> map = BenchJson.of(of);
    map.put("seconds", seconds);
    map.put("flop", facts.flop());
    map.put("bytes", facts.bytes());
    map.put("mappedBytes", facts.mappedBytes());
    map.put("peakResidentBytes", BenchMachine.peakResidentBytes());
    return map;
  }

  /** All keys but work, dtype, threads and runs are sizes. */
  private static BenchCase parse(Json request) throws CheckpointException, Failure {
    String word = request.get("work").asString();
    BenchWork work = BenchWork.of(word);
    if (work == null) {
      throw Failure.usage("unknown work " + Numbers.quoted(word), "name a single one");
    }
    Map<String, Integer> sizes = new LinkedHashMap<>();
    for (Map.Entry<String, Json> field : request.fields().entrySet()) {
      if (!List.of("work", "dtype", "threads", "runs").contains(field.getKey())) {
        sizes.put(field.getKey(), field.getValue().asInt(0, MOST));
      }
    }
    String dtype = request.string("dtype", work.dtypes().getFirst().name());
    int threads = request.integer("threads", Runtime.getRuntime().availableProcessors(), 1, 1024);
    return new BenchCase(work, sizes, BenchOptions.type(dtype), threads);
  }
}
