package inkstone.model.pipeline;

import inkstone.loader.config.TextConfig;
import inkstone.loader.config.TransformerConfig;
import inkstone.model.bench.BenchCase;
import inkstone.model.bench.BenchSession;
import inkstone.model.bench.BenchWork;
import inkstone.tensor.DType;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Measures for about ten seconds how fast this machine computes at a plan's shapes, over random
 * weights of the model's types, and how fast it reads the model's files, and turns the plan's
 * operations into seconds.
 */
public final class Calibration {
  /** More rows are not faster. */
  private static final int MOST_ROWS = 768;

  /** More tokens are hardly faster. */
  private static final int MOST_TOKENS = 2048;

  private static final int VAE_SIDE = 128;
  private static final double WARM_SECONDS = 0.2;

  /** Norms, RoPE and what joins the products, as a share of them; docs/kernels.md. */
  private static final double GLUE = 0.05;

  private final Plan plan;
  private final int threads;
  private final BenchSession session;
  private final List<PlanTimes.Rate> rates = new ArrayList<>();
  private final Map<String, FileReads> reads = new HashMap<>();

  private Calibration(Plan plan, int threads, BenchSession session) {
    this.plan = plan;
    this.threads = threads;
    this.session = session;
  }

  /** The times of a run on so many threads. */
  public static PlanTimes measure(Plan plan, int threads) {
    try (BenchSession session = new BenchSession(WARM_SECONDS)) {
      return new Calibration(plan, threads, session).measure();
    }
  }

  private PlanTimes measure() {
    long room = Math.max(0, plan.availableBytes() - plan.peak().anonymousBytes());
    boolean resident = plan.mappedBytes() <= room;
    for (PlanPart part : plan.parts()) {
      FileReads read = FileReads.measure(part, threads);
      reads.put(part.name(), read);
      if (part.name().equals("transformer")) {
        rates.add(new PlanTimes.Rate("read transformer", read.bytesPerSecond(), "bytes"));
      }
    }
    Map<Stage, Double> stages = new EnumMap<>(Stage.class);
    stages.put(Stage.ENCODE_PROMPT, promptSeconds());
    double vae = vaeRate();
    for (Plan.StageCost stage : plan.stages()) {
      if (stage.stage() == Stage.ENCODE_IMAGES || stage.stage() == Stage.DECODE) {
        stages.put(stage.stage(), stage.flop() / vae);
      }
    }
    stages.merge(
        plan.references().isEmpty() ? Stage.DECODE : Stage.ENCODE_IMAGES,
        reads.get("vae").seconds(),
        Double::sum);
    return steps(stages, resident, room);
  }

  private PlanTimes steps(Map<Stage, Double> stages, boolean resident, long room) {
    TransformerConfig config = plan.shapes().transformer();
    PlanPart part = part("transformer");
    int inner = Math.toIntExact(config.innerDim());
    int images = Math.toIntExact(Math.min(plan.imageTokens(), MOST_ROWS));
    int words = Math.clamp(Collections.max(plan.textTokens()), 1, MOST_ROWS);
    double imageRate = gemm(images, 4 * inner, inner, part.dtype());
    double wordRate = gemm(words, 4 * inner, inner, part.dtype());
    double modulation = 12.0 * inner * inner / gemv(6 * inner, inner, part.dtype());
    long sequence = plan.imageTokens() + Collections.max(plan.textTokens());
    double attention =
        attention(
            (int) Math.min(sequence, MOST_TOKENS),
            config.numAttentionHeads(),
            config.attentionHeadDim());
    // Weights that don't stay in memory are read in each pass, others once.
    boolean stays = resident || part.bytes() <= room;
    double read = reads.get(part.name()).seconds();
    double whole = reads.get(part.name()).wholeSeconds();
    double total = 0;
    Map<Integer, Double> byStep = new HashMap<>();
    double least = Double.MAX_VALUE;
    double full = 0;
    boolean first = true;
    for (Plan.Pass pass : plan.steps().passes()) {
      double share = pass.textTokens() / (double) (pass.textTokens() + plan.imageTokens());
      double computing =
          (1 + GLUE)
                  * (pass.linearFlop() * ((1 - share) / imageRate + share / wordRate)
                      + pass.attentionFlop() / attention)
              + pass.modulations() * modulation;
      double reading = stays ? 0 : whole;
      // The very first pass finds what is in memory already.
      double earliest = first ? read - reading : 0;
      total += pass.count() * (computing + reading) + earliest;
      byStep.merge(pass.step(), computing + reading + earliest, Double::sum);
      if (pass.kind().equals("full") && !pass.first()) {
        full = Math.max(full, computing + reading);
      }
      if (!pass.kind().equals("prefill")) {
        least = Math.min(least, computing + reading);
      }
      first = false;
    }
    stages.put(Stage.DENOISE, total);
    int branches = plan.textTokens().size();
    double firstStep = byStep.getOrDefault(0, 0.0);
    return new PlanTimes(
        stages, firstStep, full == 0 ? firstStep : branches * full, branches * least, rates);
  }

  private double promptSeconds() {
    TextConfig text = plan.shapes().text().text();
    PlanPart part = part("text_encoder");
    int rows = Math.clamp(Collections.max(plan.textTokens()), 1, MOST_ROWS);
    double rate = gemm(rows, text.intermediateSize(), text.hiddenSize(), part.dtype());
    Plan.StageCost stage = plan.stages().getFirst();
    double seconds = (1 + GLUE) * stage.flop() / rate + reads.get(part.name()).seconds();
    return plan.shapes().patches() == 0
        ? seconds
        : seconds + reads.getOrDefault("vision_tower", FileReads.NONE).seconds();
  }

  private double vaeRate() {
    DType dtype = known(BenchWork.VAE_DECODE, part("vae").dtype());
    return rate(
        new BenchCase(
            BenchWork.VAE_DECODE,
            Map.of("size", VAE_SIDE, "base_dim", plan.shapes().vae().baseDim()),
            dtype,
            threads));
  }

  private double gemm(int m, int n, int k, DType dtype) {
    return rate(
        new BenchCase(
            BenchWork.GEMM,
            Map.of("m", m, "n", n, "k", k),
            fit(known(BenchWork.GEMM, dtype), k),
            threads));
  }

  private double gemv(int n, int k, DType dtype) {
    return rate(
        new BenchCase(
            BenchWork.GEMV, Map.of("n", n, "k", k), fit(known(BenchWork.GEMV, dtype), k), threads));
  }

  private double attention(int tokens, int heads, int headDim) {
    return rate(
        new BenchCase(
            BenchWork.ATTENTION,
            Map.of("tokens", tokens, "heads", heads, "head_dim", headDim),
            DType.F32,
            threads));
  }

  private static DType known(BenchWork work, DType dtype) {
    return work.dtypes().contains(dtype) ? dtype : DType.BF16;
  }

  /** A layer narrower than a block is stored otherwise. */
  private static DType fit(DType dtype, int k) {
    return k % dtype.blockElements() == 0 ? dtype : DType.BF16;
  }

  private PlanPart part(String name) {
    return plan.parts().stream().filter(p -> p.name().equals(name)).findFirst().orElseThrow();
  }

  /** Operations a second: the better of two runs, since others may use the machine. */
  private double rate(BenchCase of) {
    session.prepare(of);
    double first = session.run(of);
    double seconds = Math.min(first, session.run(of));
    double rate = session.facts(of).flop() / Math.max(seconds, 1e-9);
    session.clear();
    rates.add(new PlanTimes.Rate(of.describe(), rate, "FLOP"));
    return rate;
  }
}
