package inkstone.model.pipeline;

import inkstone.model.image.Image;
import inkstone.model.image.Size;
import java.util.List;

/**
 * What a run would be asked, as far as bytes and operations depend on it.
 *
 * @param prompt null for one of {@link #ASSUMED_PROMPT_TOKENS} tokens
 * @param negativePrompt as in {@link EditRequest}
 * @param references sizes of the pictures; none for a picture from words alone
 * @param refCache what the steps reuse; null for the engine's default
 */
public record PlanRequest(
    String prompt,
    String negativePrompt,
    List<Size> references,
    OutputSize size,
    Sampling sampling,
    VaeTiling vaeTiling,
    RefCache refCache) {
  /** About forty English words. */
  public static final int ASSUMED_PROMPT_TOKENS = 50;

  public PlanRequest {
    references = List.copyOf(references);
    if (prompt != null) {
      Prompts.check(prompt, negativePrompt);
    }
    if (references.size() > EditRequest.MAX_REFERENCES) {
      throw new IllegalArgumentException(
          "references: expected at most "
              + EditRequest.MAX_REFERENCES
              + " pictures, got "
              + references.size()
              + "; leave some out");
    }
    if (size instanceof OutputSize.OfReference(int number) && number > references.size()) {
      throw new IllegalArgumentException(
          "size ref:" + number + ": there are only " + references.size() + " references");
    }
    if (references.isEmpty() && size instanceof OutputSize.Same) {
      throw new IllegalArgumentException("size same: there is no reference; use WxH");
    }
  }

  static PlanRequest of(EditRequest request) {
    return new PlanRequest(
        request.prompt(),
        request.negativePrompt(),
        request.references().stream().map(Image::size).toList(),
        request.size(),
        request.sampling(),
        request.vaeTiling(),
        request.refCache());
  }

  static PlanRequest of(GenerateRequest request) {
    return new PlanRequest(
        request.prompt(),
        request.negativePrompt(),
        List.of(),
        request.size(),
        request.sampling(),
        request.vaeTiling(),
        null);
  }

  /** Whether each step is two passes. */
  boolean guided() {
    return sampling.cfgScale() > 1 && negativePrompt != null;
  }

  PlanRequest withSize(OutputSize other) {
    return new PlanRequest(
        prompt, negativePrompt, references, other, sampling, vaeTiling, refCache);
  }

  PlanRequest withTiling(VaeTiling other) {
    return new PlanRequest(prompt, negativePrompt, references, size, sampling, other, refCache);
  }

  /** The same with the first {@code count} references. */
  PlanRequest withReferences(int count, OutputSize other) {
    return new PlanRequest(
        prompt, negativePrompt, references.subList(0, count), other, sampling, vaeTiling, refCache);
  }
}
