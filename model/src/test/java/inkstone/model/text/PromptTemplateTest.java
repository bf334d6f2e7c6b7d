package inkstone.model.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.Test;

class PromptTemplateTest {
  @Test
  void dropsTheSystemPart() throws IOException {
    QwenTokenizer tokenizer = QwenTokenizer.read(TokenizerGolden.tiny());
    int start = tokenizer.id("<|im_start|>");
    for (PromptTemplate template : PromptTemplate.values()) {
      int pictures = template == PromptTemplate.TEXT_TO_IMAGE ? 0 : 1;
      int[] ids = tokenizer.encode(template.apply("Turn the star green.", pictures));
      // The turn of the user, "<|im_start|>user\n", is the last that is dropped.
      assertThat(ids[template.drop() - 3]).as(template.name()).isEqualTo(start);
      assertThat(ids[0]).isEqualTo(start);
    }
  }

  @Test
  void onlyEditPlusNumbersPictures() {
    assertThat(PromptTemplate.EDIT_PLUS.apply("x", 2).lines().toList())
        .endsWith(
            "<|im_start|>user",
            "Picture 1: <|vision_start|><|image_pad|><|vision_end|>Picture 2: "
                + "<|vision_start|><|image_pad|><|vision_end|>x<|im_end|>",
            "<|im_start|>assistant");
    assertThat(PromptTemplate.EDIT.apply("{}", 1).lines().toList())
        .endsWith(
            "<|im_start|>user",
            "<|vision_start|><|image_pad|><|vision_end|>{}<|im_end|>",
            "<|im_start|>assistant");
    assertThat(PromptTemplate.TEXT_TO_IMAGE.apply("", 0))
        .endsWith("background:<|im_end|>\n<|im_start|>user\n<|im_end|>\n<|im_start|>assistant\n");
  }

  @Test
  void refusesAnotherNumberOfPictures() {
    assertThatThrownBy(() -> PromptTemplate.EDIT.apply("x", 2))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("PromptTemplate.EDIT: pictures, expected 1, got 2");
    assertThatThrownBy(() -> PromptTemplate.TEXT_TO_IMAGE.apply("x", 1))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void padsAreRepeatedForEveryPicture() {
    int[] ids = {1, 9, 2, 9, 3};
    assertThat(ImagePads.expand(ids, 9, 2, List.of(new int[] {2, 4}, new int[] {4, 6})))
        .containsExactly(1, 9, 9, 2, 9, 9, 9, 9, 9, 9, 3);
    assertThat(ImagePads.expand(ids, 9, 2, List.of())).isEqualTo(ids);
    assertThatThrownBy(() -> ImagePads.expand(ids, 9, 2, List.of(new int[] {2, 2})))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("image tokens, expected 1, one a picture, got 2");
    assertThatThrownBy(
            () -> ImagePads.expand(ids, 9, 2, List.of(new int[] {2, 2}, new int[] {3, 2})))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("grid, expected positive multiples of 2, got 3x2");
  }
}
