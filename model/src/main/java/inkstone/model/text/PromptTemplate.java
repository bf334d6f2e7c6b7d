package inkstone.model.text;

import java.util.Arrays;

/**
 * The chat text that a pipeline of diffusers puts around a prompt, and how many of the first
 * tokens' embeddings it drops: the system part, which is the same for every prompt.
 */
public enum PromptTemplate {
  /** {@code QwenImagePipeline}. */
  TEXT_TO_IMAGE(
      "Describe the image by detailing the color, shape, size, texture, quantity, text, spatial"
          + " relationships of the objects and background:",
      34,
      1024 + 34,
      512),

  /** {@code QwenImageEditPlusPipeline}: numbered pictures before the prompt. */
  EDIT_PLUS(Constants.EDIT_SYSTEM, 64, Integer.MAX_VALUE, Integer.MAX_VALUE),

  /** {@code QwenImageEditPipeline}: one picture, unnumbered, before the prompt. */
  EDIT(Constants.EDIT_SYSTEM, 64, Integer.MAX_VALUE, Integer.MAX_VALUE);

  private final String system;
  private final int drop;
  private final int maxTokens;
  private final int maxEmbeds;

  PromptTemplate(String system, int drop, int maxTokens, int maxEmbeds) {
    this.system = system;
    this.drop = drop;
    this.maxTokens = maxTokens;
    this.maxEmbeds = maxEmbeds;
  }

  /**
   * The text to tokenize. A picture is one {@code <|image_pad|>}, to be repeated by {@link
   * ImagePads#expand} once its size is known.
   *
   * @param pictures how many pictures come with the prompt: none for text-to-image, one for {@link
   *     #EDIT}
   */
  public String apply(String prompt, int pictures) {
    boolean fits =
        switch (this) {
          case TEXT_TO_IMAGE -> pictures == 0;
          case EDIT -> pictures == 1;
          case EDIT_PLUS -> pictures >= 0;
        };
    if (!fits) {
      throw new IllegalArgumentException(
          "PromptTemplate."
              + name()
              + ": pictures, expected "
              + (this == TEXT_TO_IMAGE ? "0" : this == EDIT ? "1" : "0 or more")
              + ", got "
              + pictures
              + "; use the template of the model's pipeline");
    }
    StringBuilder text = new StringBuilder();
    text.append("<|im_start|>system\n").append(system).append("<|im_end|>\n<|im_start|>user\n");
    for (int i = 1; i <= pictures; i++) {
      if (this == EDIT_PLUS) {
        text.append("Picture ").append(i).append(": ");
      }
      text.append("<|vision_start|><|image_pad|><|vision_end|>");
    }
    return text.append(prompt).append("<|im_end|>\n<|im_start|>assistant\n").toString();
  }

  /** How many rows to drop from the start of the encoder's output. */
  public int drop() {
    return drop;
  }

  /** The tokenizer keeps the first so many tokens of {@link #apply}'s text. */
  public int maxTokens() {
    return maxTokens;
  }

  /** The tokens that the pipeline's tokenizer keeps: the first {@link #maxTokens}. */
  public int[] truncate(int[] ids) {
    return ids.length <= maxTokens ? ids : Arrays.copyOf(ids, maxTokens);
  }

  /** The pipeline keeps the first so many rows of those left after {@link #drop}. */
  public int maxEmbeds() {
    return maxEmbeds;
  }

  private static final class Constants {
    private static final String EDIT_SYSTEM =
        "Describe the key features of the input image (color, shape, size, texture, objects,"
            + " background), then explain how the user's text instruction should alter or modify"
            + " the image. Generate a new image that meets the user's requirements while"
            + " maintaining consistency with the original input where appropriate.";
  }
}
