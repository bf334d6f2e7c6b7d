package inkstone.model.pipeline;

import inkstone.model.image.Image;
import java.util.List;

/**
 * Change pictures by words.
 *
 * @param prompt what to do; not empty
 * @param negativePrompt what to steer away from when {@link Sampling#cfgScale} is above 1; null for
 *     none
 * @param references 1 to {@link #MAX_REFERENCES} pictures, "Picture 1" first
 * @param refCache what the steps reuse of the references; null for the engine's default
 */
public record EditRequest(
    String prompt,
    String negativePrompt,
    List<Image> references,
    OutputSize size,
    Sampling sampling,
    VaeTiling vaeTiling,
    RefCache refCache) {
  public static final int MAX_REFERENCES = 10;

  public EditRequest {
    references = List.copyOf(references);
    Prompts.check(prompt, negativePrompt);
    if (references.isEmpty() || references.size() > MAX_REFERENCES) {
      throw new IllegalArgumentException(
          "references: expected 1 to "
              + MAX_REFERENCES
              + " pictures, got "
              + references.size()
              + "; use generate for a picture from words alone");
    }
    if (size instanceof OutputSize.OfReference(int number) && number > references.size()) {
      throw new IllegalArgumentException(
          "size ref:" + number + ": there are only " + references.size() + " references");
    }
  }

  /** With the engine's default of what the steps reuse. */
  public EditRequest(
      String prompt,
      String negativePrompt,
      List<Image> references,
      OutputSize size,
      Sampling sampling,
      VaeTiling vaeTiling) {
    this(prompt, negativePrompt, references, size, sampling, vaeTiling, null);
  }

  /** The same request with what the steps reuse. */
  public EditRequest withRefCache(RefCache other) {
    return new EditRequest(prompt, negativePrompt, references, size, sampling, vaeTiling, other);
  }

  public static EditRequest of(String prompt, List<Image> references, Sampling sampling) {
    return new EditRequest(prompt, null, references, OutputSize.AUTO, sampling, VaeTiling.AUTO);
  }

  /**
   * With {@link Sampling#defaults}: 20 steps, no guidance, a random seed, as the command line does.
   *
   * @throws IllegalStateException when {@code references} are closed
   */
  public static EditRequest of(String prompt, References references) {
    return of(prompt, references.pictures(), Sampling.defaults());
  }

  public EditRequest withSeed(long seed) {
    return withSampling(sampling.withSeed(seed));
  }

  public EditRequest withSteps(int steps) {
    return withSampling(sampling.withSteps(steps));
  }

  /** Guidance takes a negative prompt too; {@code " "} stands for an empty one. */
  public EditRequest withCfgScale(double scale) {
    return withSampling(sampling.withCfgScale(scale));
  }

  /** Acts with a {@link Sampling#cfgScale} above 1 only. */
  public EditRequest withNegativePrompt(String negative) {
    return new EditRequest(prompt, negative, references, size, sampling, vaeTiling, refCache);
  }

  public EditRequest withSize(OutputSize wanted) {
    return new EditRequest(
        prompt, negativePrompt, references, wanted, sampling, vaeTiling, refCache);
  }

  private EditRequest withSampling(Sampling other) {
    return new EditRequest(prompt, negativePrompt, references, size, other, vaeTiling, refCache);
  }
}
