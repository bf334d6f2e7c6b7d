package inkstone.bench;

import inkstone.model.debug.Taps;
import inkstone.model.image.Image;
import inkstone.model.kv.KvDtype;
import inkstone.model.kv.KvPolicy;
import inkstone.model.pipeline.CacheStats;
import inkstone.model.pipeline.CancelToken;
import inkstone.model.pipeline.EditRequest;
import inkstone.model.pipeline.EngineOptions;
import inkstone.model.pipeline.Inkstone;
import inkstone.model.pipeline.Listener;
import inkstone.model.pipeline.RefCache;
import inkstone.model.pipeline.Result;
import inkstone.model.pipeline.Sampling;
import inkstone.tensor.Tensor;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntSupplier;

/**
 * Runs edits under many cache policies in one JVM, for {@code reference/kv_study.py}, which makes
 * the cases and judges the pictures. {@code KvStudy MODEL FOLDER}: reads {@code cases.tsv} (name,
 * number of references, side in pixels, seed, prompt) with the references as raw RGB {@code
 * NAME.I.rgb}, and {@code runs.tsv} (case, steps, cfg scale, policy); writes the picture of run n
 * as {@code n.rgb}, its last latents as {@code n.f32}, and a line of {@code results.tsv}.
 *
 * <p>A policy is its name, then its parameters: {@code anchored:warmup=2,every=4,dtype=bf16}.
 */
public final class KvStudy {
  private record Case(String prompt, long seed, List<Image> references) {}

  private KvStudy() {}

  /** See the class. */
  public static void main(String[] args) throws Exception {
    Path folder = Path.of(args[1]);
    Map<String, Case> cases = cases(folder);
    List<String> runs = Files.readAllLines(folder.resolve("runs.tsv"));
    String[] results = new String[runs.size()];
    AtomicInteger next = new AtomicInteger();
    // Engines of one thread each: thread counts change no bit, and small models waste the others.
    try (ExecutorService workers =
        Executors.newFixedThreadPool(Runtime.getRuntime().availableProcessors())) {
      List<Future<?>> all = new ArrayList<>();
      for (int i = 0; i < Runtime.getRuntime().availableProcessors(); i++) {
        all.add(
            workers.submit(() -> {
              try (Inkstone engine = Inkstone.open(Path.of(args[0]), new EngineOptions(1))) {
                for (int n = next.getAndIncrement(); n < results.length; ) {
                  String[] run = runs.get(n).split("\t", -1);
                  results[n] = run(engine, folder, n, cases.get(run[0]), run);
                  n = next.getAndIncrement();
                }
              }
              return null;
            }));
      }
      for (Future<?> one : all) {
        one.get();
      }
    }
    Files.write(folder.resolve("results.tsv"), List.of(results));
  }

  private static Map<String, Case> cases(Path folder) throws IOException {
    Map<String, Case> cases = new HashMap<>();
    for (String line : Files.readAllLines(folder.resolve("cases.tsv"))) {
      String[] fields = line.split("\t", -1);
      int side = Integer.parseInt(fields[2]);
      List<Image> references = new ArrayList<>();
      for (int i = 0; i < Integer.parseInt(fields[1]); i++) {
        byte[] rgb = Files.readAllBytes(folder.resolve(fields[0] + "." + i + ".rgb"));
        references.add(new Image(side, side, rgb));
      }
      cases.put(fields[0], new Case(fields[4], Long.parseLong(fields[3]), references));
    }
    return cases;
  }

  private static String run(Inkstone engine, Path folder, int n, Case of, String[] run)
      throws IOException {
    double cfg = Double.parseDouble(run[2]);
    Sampling sampling = Sampling.of(Integer.parseInt(run[1]), of.seed()).withCfgScale(cfg);
    EditRequest request =
        EditRequest.of(of.prompt(), of.references(), sampling).withRefCache(refCache(run[3]));
    if (cfg > 1) {
      request = request.withNegativePrompt(" ");
    }
    LastLatents latents = new LastLatents();
    long start = System.nanoTime();
    Result result = engine.edit(request, Listener.NONE, new CancelToken(), latents);
    double seconds = (System.nanoTime() - start) / 1e9;
    Files.write(folder.resolve(n + ".rgb"), result.image().rgb());
    Files.write(folder.resolve(n + ".f32"), latents.bytes());
    CacheStats stats = result.cacheStats();
    return String.join(
        "\t",
        Integer.toString(n),
        Double.toString(stats.flop()),
        Double.toString(stats.flopOff()),
        Integer.toString(stats.fullSteps()),
        Integer.toString(stats.cachedSteps()),
        Integer.toString(stats.partialSteps()),
        Long.toString(stats.bytes()),
        String.format(Locale.ROOT, "%.4f", seconds),
        String.join(
            ",", stats.drift().stream().map(d -> String.format(Locale.ROOT, "%.5f", d)).toList()));
  }

  private static RefCache refCache(String text) {
    String[] parts = text.split(":", 2);
    Map<String, String> values = new HashMap<>();
    if (parts.length == 2) {
      for (String pair : parts[1].split(",")) {
        values.put(pair.substring(0, pair.indexOf('=')), pair.substring(pair.indexOf('=') + 1));
      }
    }
    IntSupplier warmup = () -> Integer.parseInt(values.getOrDefault("warmup", "1"));
    KvPolicy policy =
        switch (parts[0]) {
          case "off" -> KvPolicy.off();
          case "exact" -> KvPolicy.exact();
          case "anchored" ->
              new KvPolicy.Anchored(
                  warmup.getAsInt(),
                  values.containsKey("every")
                      ? Integer.parseInt(values.get("every"))
                      : KvPolicy.NEVER,
                  Integer.parseInt(values.getOrDefault("first", "0")),
                  values.containsKey("last")
                      ? Integer.parseInt(values.get("last"))
                      : KvPolicy.LAST_LAYER);
          case "rolling" ->
              new KvPolicy.Rolling(Integer.parseInt(values.get("groups")), warmup.getAsInt());
          case "adaptive" -> new KvPolicy.Adaptive(Double.parseDouble(values.get("budget")));
          default -> throw new IllegalArgumentException("runs.tsv: policy " + text);
        };
    String dtype = values.getOrDefault("dtype", "f32").toUpperCase(Locale.ROOT);
    return RefCache.of(policy).withDtype(KvDtype.valueOf(dtype));
  }

  /** Keeps what the last step made. */
  private static final class LastLatents implements Taps {
    private float[] last = {};

    @Override
    public void tap(String key, Tensor value) {
      if (key.equals("latents")) {
        last = value.toFloatArray();
      }
    }

    byte[] bytes() {
      ByteBuffer buffer = ByteBuffer.allocate(4 * last.length).order(ByteOrder.LITTLE_ENDIAN);
      buffer.asFloatBuffer().put(last);
      return buffer.array();
    }
  }
}
