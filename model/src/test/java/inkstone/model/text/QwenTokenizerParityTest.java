package inkstone.model.text;

import static org.assertj.core.api.Assertions.assertThat;

import inkstone.loader.Golden;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The same ids and the same decoded text as the Python packages, string by string. */
class QwenTokenizerParityTest {
  @TempDir Path folder;

  @Test
  void realTokenizerFromVocabAndMerges() throws IOException {
    TokenizerGolden.writeVocabAndMerges(folder);
    assertThat(check("qwen.jsonl.gz", QwenTokenizer.read(folder))).isGreaterThanOrEqualTo(2000);
  }

  @Test
  void realTokenizerFromTokenizerJson() throws IOException {
    TokenizerGolden.writeTokenizerJson(folder);
    QwenTokenizer tokenizer = QwenTokenizer.read(folder);
    assertThat(check("qwen.jsonl.gz", tokenizer)).isGreaterThanOrEqualTo(2000);
    assertThat(tokenizer.vocabSize()).isEqualTo(151665);
    assertThat(tokenizer.id("<|image_pad|>")).isEqualTo(151655);
  }

  @Test
  void theOneThatComesWithTheProgram() throws IOException {
    QwenTokenizer tokenizer = QwenTokenizer.published();
    assertThat(check("qwen.jsonl.gz", tokenizer)).isGreaterThanOrEqualTo(2000);
    assertThat(tokenizer.vocabSize()).isEqualTo(QwenTokenizer.PUBLISHED_SIZE);
    assertThat(tokenizer.id("<|image_pad|>")).isEqualTo(151655);
  }

  @Test
  void tinyTokenizer() throws IOException {
    assertThat(check("tiny.jsonl.gz", QwenTokenizer.read(TokenizerGolden.tiny())))
        .isGreaterThanOrEqualTo(300);
  }

  @Test
  void addedTokensWithEveryFlag() throws IOException {
    Path flags = Golden.path("tokenizer/flags");
    assertThat(check("flags/flags.jsonl.gz", QwenTokenizer.read(flags))).isEqualTo(600);
  }

  private static int check(String golden, QwenTokenizer tokenizer) throws IOException {
    List<TokenizerGolden.Row> rows = TokenizerGolden.read(golden);
    List<String> wrong = new ArrayList<>();
    for (TokenizerGolden.Row row : rows) {
      if (row.text() != null) {
        int[] ids = tokenizer.encode(row.text());
        if (!Arrays.equals(ids, row.idArray())) {
          wrong.add(
              "encode "
                  + TokenizerGolden.quote(row.text())
                  + ", expected "
                  + row.ids()
                  + ", got "
                  + Arrays.toString(ids));
        }
      }
      String decoded = tokenizer.decode(row.idArray());
      if (!decoded.equals(row.decoded())) {
        wrong.add(
            "decode "
                + row.ids()
                + ", expected "
                + TokenizerGolden.quote(row.decoded())
                + ", got "
                + TokenizerGolden.quote(decoded));
      }
    }
    assertThat(wrong.subList(0, Math.min(20, wrong.size())))
        .as("%d differences in %s", wrong.size(), golden)
        .isEmpty();
    return rows.size();
  }
}
