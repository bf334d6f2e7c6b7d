package inkstone.model.pipeline;

/**
 * Make a picture from words.
 *
 * @param prompt what to show; not empty
 * @param negativePrompt what to steer away from when {@link Sampling#cfgScale} is above 1; null for
 *     none
 * @param size {@link OutputSize#AUTO} or {@link OutputSize.Exact}
 */
public record GenerateRequest(
    String prompt, String negativePrompt, OutputSize size, Sampling sampling, VaeTiling vaeTiling) {
  /** Longest prompt of any request, far above what a text encoder reads: keeps work bounded. */
  public static final int MAX_PROMPT_CHARS = 100_000;

  public GenerateRequest {
    Prompts.check(prompt, negativePrompt);
    if (!(size instanceof OutputSize.Auto || size instanceof OutputSize.Exact)) {
      throw new IllegalArgumentException(
          "size: without a reference picture expected auto or WxH; add a reference and use edit");
    }
  }

  public static GenerateRequest of(String prompt, Sampling sampling) {
    return new GenerateRequest(prompt, null, OutputSize.AUTO, sampling, VaeTiling.AUTO);
  }
}
