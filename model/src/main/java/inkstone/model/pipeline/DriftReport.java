package inkstone.model.pipeline;

import inkstone.model.drift.DriftMap;
import inkstone.model.drift.PictureErrors;
import inkstone.model.image.Image;
import java.util.List;

/**
 * What a policy of reuse costs in quality, for one request. Relative errors are {@code ‖a − b‖ /
 * ‖b‖} (L2), b from the run without reuse; every number is finite, except a PSNR of equal pictures.
 *
 * @param pipeline class of the model
 * @param refCache the reuse under test, as asked
 * @param cache what the policy's own run reused: its {@code policy} and {@code dtype} are those
 *     that the model and the memory left
 * @param steps one a denoising step
 * @param branches the prompt, and with guidance the negative prompt
 * @param policy picture of the policy's own run
 * @param roundedInputs the noise floor at hand: the run without reuse whose reference latents and
 *     prompt embeddings were rounded to BF16. It rounds what goes in, not what is computed, so the
 *     floor of an engine that computes in BF16 is higher
 * @param fewerSteps the run without reuse with as many steps as the policy's operations pay for
 * @param source the first reference at the size of the result
 * @param off picture of the run without reuse, with which all others are compared
 * @param editedShare share of pixels that the edit changed, 0 to 1
 * @param warnings what the user should know
 * @param peakBytes most off-heap memory in use at once; mapped weights and what the engine
 *     remembers are not counted
 */
public record DriftReport(
    String pipeline,
    RefCache refCache,
    CacheStats cache,
    List<Step> steps,
    List<Branch> branches,
    Picture policy,
    Picture roundedInputs,
    Picture fewerSteps,
    Image source,
    Image off,
    double editedShare,
    List<String> warnings,
    Timings timings,
    long peakBytes) {
  public DriftReport {
    steps = List.copyOf(steps);
    branches = List.copyOf(branches);
    warnings = List.copyOf(warnings);
  }

  /**
   * One denoising step.
   *
   * @param sigma noise level at which the model is called
   * @param velocityError of the policy's velocity, guidance applied, at the latents of the run
   *     without reuse
   * @param latentError of the policy's own run, after the step
   */
  public record Step(double sigma, double velocityError, double latentError) {}

  /**
   * One branch of guidance, at the latents of the run without reuse.
   *
   * @param name {@code prompt} or {@code negative_prompt}
   * @param plans of each step: {@code full}, {@code cached} or {@code partial}
   * @param velocityErrors of each step
   * @param key of the reference's keys that the step leaves to attention or to later steps
   * @param value of the reference's values
   */
  public record Branch(
      String name, List<String> plans, List<Double> velocityErrors, DriftMap key, DriftMap value) {
    public Branch {
      plans = List.copyOf(plans);
      velocityErrors = List.copyOf(velocityErrors);
    }
  }

  /**
   * One run to its end.
   *
   * @param steps denoising steps
   * @param flop operations of linear layers and attention in the blocks
   * @param latentError of the last latents
   * @param errors of the picture
   */
  public record Picture(
      int steps, double flop, double latentError, Image image, PictureErrors errors) {}
}
