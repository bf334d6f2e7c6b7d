package inkstone.app.cli;

import inkstone.model.lora.Lightning;
import inkstone.model.pipeline.FlowShift;
import inkstone.model.pipeline.Sampling;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Option;

/** How noise becomes a picture. */
final class SamplingOptions {
  /** As diffusers' {@code true_cfg_scale}, which also acts only with a negative prompt. */
  static final double DEFAULT_GUIDANCE = 4.0;

  private static final int MAX_BATCH = 10_000;

  @Option(
      names = "--steps",
      paramLabel = "N",
      description = "Denoising steps, 1 to 1000 (default: " + Sampling.DEFAULT_STEPS + ")")
  private String steps;

  @Option(
      names = {"--cfg-scale", "--true-cfg-scale"},
      paramLabel = "X",
      description =
          "Guidance; above 1 each step costs double and a negative prompt is used, \" \" when none"
              + " is given (default: 1, or 4 with -n)")
  private String cfgScale;

  @Option(
      names = "--sampling-method",
      paramLabel = "NAME",
      description = "euler, the only one so far")
  private String method;

  @Option(
      names = "--flow-shift",
      paramLabel = "X",
      description = "auto (default: as the model's scheduler says) or a number from 0.01 to 100")
  private String flowShift;

  @Option(
      names = "--sigmas",
      paramLabel = "LIST",
      description = "Own noise levels, falling, such as 1,0.7,0.4,0.1; instead of --steps")
  private String sigmas;

  @Option(
      names = {"-s", "--seed"},
      paramLabel = "N",
      description = "Seed of the noise (default, or below 0: random, and printed)")
  private String seed;

  @Option(
      names = "--rng",
      paramLabel = "NAME",
      description = "torch, the only one so far: the noise that diffusers draws on a CPU")
  private String rng;

  @Option(
      names = {"-b", "--batch-count"},
      paramLabel = "N",
      description = "How many pictures to make, with seeds seed, seed+1, ... (default: 1)")
  private String batchCount;

  /**
   * The checked options.
   *
   * @param sampling with the first seed
   * @param negativePrompt null when there is no guidance and none was given
   * @param seedIsRandom whether the seed was drawn here
   * @param notes what the user did not say and should know
   */
  record Resolved(
      Sampling sampling,
      String negativePrompt,
      boolean seedIsRandom,
      int batchCount,
      List<String> notes) {}

  /** Without LoRA files. */
  Resolved resolve(String negativePrompt) throws Failure {
    return resolve(negativePrompt, LoraOptions.Resolved.NONE);
  }

  /**
   * @param loras a Lightning LoRA sets what is not given
   */
  Resolved resolve(String negativePrompt, LoraOptions.Resolved loras) throws Failure {
    List<String> notes = new ArrayList<>();
    Lightning preset = loras.preset();
    List<Float> levels = sigmas == null ? List.of() : levels();
    int stepCount =
        steps == null
            ? preset == null ? Sampling.DEFAULT_STEPS : preset.steps()
            : Numbers.whole("--steps", steps, 1, Sampling.MAX_STEPS);
    if (!levels.isEmpty()) {
      if (steps != null && stepCount != levels.size()) {
        throw Failure.usage(
            "--steps " + stepCount + " does not fit the " + levels.size() + " --sigmas",
            "leave --steps out: one step is made for each sigma");
      }
      stepCount = levels.size();
    }
    if (method != null) {
      Numbers.word("--sampling-method", method, "euler");
    }
    checkGenerator();
    double cfg =
        cfgScale == null && preset != null ? Lightning.CFG_SCALE : guidance(negativePrompt);
    FlowShift shift =
        flowShift == null && preset != null ? new FlowShift.Static(Lightning.SHIFT) : shift();
    if (preset != null) {
      notes.add(preset(loras.presetFile(), stepCount, shift, cfg));
    }
    String negative = negativePrompt;
    if (cfg > 1 && negative == null) {
      negative = " ";
      notes.add("no negative prompt given: \" \" is used for guidance");
    } else if (cfg <= 1 && negative != null) {
      notes.add("the negative prompt has no effect with --cfg-scale " + Numbers.plain(cfg));
    }
    int batch = batchCount == null ? 1 : Numbers.whole("--batch-count", batchCount, 1, MAX_BATCH);
    long given =
        seed == null
            ? -1
            : Numbers.whole("--seed", seed, Long.MIN_VALUE, Long.MAX_VALUE - MAX_BATCH);
    boolean random = given < 0;
    long first = random ? Sampling.randomSeed() : given;
    Sampling sampling = new Sampling(stepCount, cfg, first, shift, levels);
    return new Resolved(sampling, negative, random, batch, List.copyOf(notes));
  }

  /** The same for picture {@code index} of a batch. */
  static Sampling withSeed(Sampling first, int index) {
    return first.withSeed(first.seed() + index);
  }

  private static String preset(String file, int steps, FlowShift shift, double cfg) {
    String shifted =
        shift instanceof FlowShift.Static(double value)
            ? "static shift " + Numbers.plain(value) + " without terminal stretch"
            : "the model's own shift";
    return "Lightning LoRA "
        + file
        + ": "
        + steps
        + " steps, "
        + shifted
        + ", cfg scale "
        + Numbers.plain(cfg)
        + "; --steps, --flow-shift and --cfg-scale set others";
  }

  private double guidance(String negativePrompt) throws Failure {
    if (cfgScale == null) {
      return negativePrompt == null ? 1.0 : DEFAULT_GUIDANCE;
    }
    return Numbers.real("--cfg-scale", cfgScale, 0, 100);
  }

  private FlowShift shift() throws Failure {
    if (flowShift == null || flowShift.strip().equalsIgnoreCase("auto")) {
      return FlowShift.AUTO;
    }
    try {
      return new FlowShift.Static(
          Numbers.real("--flow-shift", flowShift, FlowShift.Static.MIN, FlowShift.Static.MAX));
    } catch (Failure e) {
      throw Numbers.unfit("--flow-shift", "auto or a number from 0.01 to 100", flowShift);
    }
  }

  private void checkGenerator() throws Failure {
    if (rng == null || rng.strip().equalsIgnoreCase("torch")) {
      return;
    }
    if (rng.strip().equalsIgnoreCase("philox")) {
      throw Failure.usage(
          "--rng philox is not there yet", "leave --rng out: torch's CPU generator is used");
    }
    throw Numbers.unfit("--rng", "torch", rng);
  }

  private List<Float> levels() throws Failure {
    List<Float> levels = new ArrayList<>();
    for (String part : sigmas.split(",", -1)) {
      float level;
      try {
        level = Float.parseFloat(part.strip());
      } catch (NumberFormatException e) {
        throw Numbers.unfit("--sigmas", "numbers with commas between, such as 1,0.7,0.4", sigmas);
      }
      if (!(level > 0 && level <= 1)) {
        throw Failure.usage(
            "--sigmas: expected numbers above 0, up to 1, got " + Numbers.quoted(part.strip()),
            level == 0 ? "leave the 0 out: it is added at the end" : "1 is pure noise, 0 is none");
      }
      if (!levels.isEmpty() && level >= levels.getLast()) {
        throw Failure.usage(
            "--sigmas: expected falling numbers, got " + level + " after " + levels.getLast(),
            "begin with the most noise, such as 1,0.7,0.4");
      }
      levels.add(level);
    }
    if (levels.size() > Sampling.MAX_STEPS) {
      throw Failure.usage(
          "--sigmas: expected at most " + Sampling.MAX_STEPS + ", got " + levels.size(),
          "give fewer");
    }
    return levels;
  }
}
