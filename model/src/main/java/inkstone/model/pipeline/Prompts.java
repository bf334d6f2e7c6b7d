package inkstone.model.pipeline;

/** Checks that requests share. */
final class Prompts {
  private Prompts() {}

  static void check(String prompt, String negativePrompt) {
    if (prompt == null || prompt.isEmpty()) {
      throw new IllegalArgumentException("prompt: it is empty; say what the picture should show");
    }
    checkLength("prompt", prompt);
    if (negativePrompt != null) {
      checkLength("negative prompt", negativePrompt);
    }
  }

  /**
   * Whether the model runs twice a step. As in diffusers that takes both a scale above 1 and a
   * negative prompt; one without the other is said in a warning.
   */
  static boolean guided(Run run, String negativePrompt, Sampling sampling) {
    boolean scaled = sampling.cfgScale() > 1;
    if (scaled && negativePrompt == null) {
      run.warnings.add(
          "cfg scale "
              + sampling.cfgScale()
              + " has no effect without a negative prompt; \" \" stands for an empty one");
    } else if (!scaled && negativePrompt != null) {
      run.warnings.add(
          "the negative prompt has no effect at cfg scale "
              + sampling.cfgScale()
              + "; use one above 1");
    }
    return scaled && negativePrompt != null;
  }

  private static void checkLength(String what, String text) {
    if (text.length() > GenerateRequest.MAX_PROMPT_CHARS) {
      throw new IllegalArgumentException(
          what
              + ": expected at most "
              + GenerateRequest.MAX_PROMPT_CHARS
              + " characters, got "
              + text.length());
    }
  }
}
