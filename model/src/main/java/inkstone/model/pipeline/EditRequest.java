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
 */
public record EditRequest(
    String prompt,
    String negativePrompt,
    List<Image> references,
    OutputSize size,
    Sampling sampling,
    VaeTiling vaeTiling) {
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

  public static EditRequest of(String prompt, List<Image> references, Sampling sampling) {
    return new EditRequest(prompt, null, references, OutputSize.AUTO, sampling, VaeTiling.AUTO);
  }
}
