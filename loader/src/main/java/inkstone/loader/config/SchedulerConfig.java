package inkstone.loader.config;

import inkstone.loader.CheckpointException;
import inkstone.loader.json.Json;
import java.nio.file.Path;

/**
 * {@code scheduler/scheduler_config.json} of a FlowMatchEulerDiscreteScheduler.
 *
 * @param numTrainTimesteps timesteps that sigma 1 stands for
 * @param shift static shift, used when useDynamicShifting is off
 * @param useDynamicShifting whether the shift depends on the number of image tokens
 * @param baseShift shift at baseImageSeqLen tokens
 * @param maxShift shift at maxImageSeqLen tokens
 * @param baseImageSeqLen tokens where the shift is baseShift
 * @param maxImageSeqLen tokens where the shift is maxShift
 * @param invertSigmas whether sigmas run upwards
 * @param shiftTerminal sigma of the last step after stretching; 0 for no stretching
 * @param useKarrasSigmas Karras spacing
 * @param useExponentialSigmas exponential spacing
 * @param useBetaSigmas beta spacing
 * @param timeShiftType how the dynamic shift bends the sigmas
 * @param stochasticSampling whether every step adds noise
 */
public record SchedulerConfig(
    int numTrainTimesteps,
    double shift,
    boolean useDynamicShifting,
    double baseShift,
    double maxShift,
    int baseImageSeqLen,
    int maxImageSeqLen,
    boolean invertSigmas,
    double shiftTerminal,
    boolean useKarrasSigmas,
    boolean useExponentialSigmas,
    boolean useBetaSigmas,
    TimeShift timeShiftType,
    boolean stochasticSampling) {

  /** How the dynamic shift bends the sigmas. */
  public enum TimeShift {
    EXPONENTIAL,
    LINEAR
  }

  /** The scheduler of Qwen-Image and its edit models. */
  public static final SchedulerConfig QWEN_IMAGE =
      new SchedulerConfig(
          1000,
          1,
          true,
          0.5,
          0.9,
          256,
          8192,
          false,
          0.02,
          false,
          false,
          false,
          TimeShift.EXPONENTIAL,
          false);

  /**
   * The same with one shift for every size and no terminal stretch, as few-step distillations of
   * Qwen-Image want it.
   */
  public SchedulerConfig withStaticShift(double staticShift) {
    return new SchedulerConfig(
        numTrainTimesteps,
        staticShift,
        false,
        baseShift,
        maxShift,
        baseImageSeqLen,
        maxImageSeqLen,
        invertSigmas,
        0,
        useKarrasSigmas,
        useExponentialSigmas,
        useBetaSigmas,
        timeShiftType,
        stochasticSampling);
  }

  /** Reads the file from its path, from {@code scheduler/}, or from the model's folder. */
  public static SchedulerConfig read(Path folderOrFile) throws CheckpointException {
    return of(ConfigFiles.read(folderOrFile, "scheduler", "scheduler_config.json"));
  }

  /** Reads the text of a scheduler_config.json. */
  public static SchedulerConfig parse(String json, String where) throws CheckpointException {
    return of(ConfigFiles.parse(json, where));
  }

  /** Defaults are those of diffusers' FlowMatchEulerDiscreteScheduler. */
  static SchedulerConfig of(Json config) throws CheckpointException {
    ConfigFiles.requireString(config, "_class_name", "FlowMatchEulerDiscreteScheduler");
    ConfigFiles.requireString(config, "time_shift_type", "exponential", "linear");
    boolean linear = config.string("time_shift_type", "exponential").equals("linear");
    int baseLength = config.integer("base_image_seq_len", 256, 1, 1 << 30);
    int maxLength = config.integer("max_image_seq_len", 4096, 1, 1 << 30);
    if (maxLength <= baseLength) {
      throw config.errorAt(
          "max_image_seq_len", "more than base_image_seq_len " + baseLength, maxLength);
    }
    boolean karras = config.flag("use_karras_sigmas", false);
    boolean exponential = config.flag("use_exponential_sigmas", false);
    boolean beta = config.flag("use_beta_sigmas", false);
    if ((karras ? 1 : 0) + (exponential ? 1 : 0) + (beta ? 1 : 0) > 1) {
      throw config.error(
          "at most one of use_karras_sigmas, use_exponential_sigmas and use_beta_sigmas",
          "several");
    }
    return new SchedulerConfig(
        config.integer("num_train_timesteps", 1000, 1, 1_000_000),
        config.number("shift", 1, 1e-6, 1e6),
        config.flag("use_dynamic_shifting", false),
        config.number("base_shift", 0.5, -100, 100),
        config.number("max_shift", 1.15, -100, 100),
        baseLength,
        maxLength,
        config.flag("invert_sigmas", false),
        config.number("shift_terminal", 0, 0, 0.999),
        karras,
        exponential,
        beta,
        linear ? TimeShift.LINEAR : TimeShift.EXPONENTIAL,
        config.flag("stochastic_sampling", false));
  }
}
