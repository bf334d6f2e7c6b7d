package inkstone.model.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import inkstone.loader.CheckpointException;
import inkstone.loader.Golden;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class QwenTokenizerTest {
  @TempDir Path folder;

  @Test
  void loneSurrogatesCountAsReplacementCharacters() throws IOException {
    QwenTokenizer tokenizer = tiny();
    int[] replaced = tokenizer.encode("a\ufffdb\ufffd");
    assertThat(tokenizer.encode("a\ud83db\ude00")).isEqualTo(replaced);
    assertThat(tokenizer.encode("\ude00\ud83d")).isEqualTo(tokenizer.encode("\ufffd\ufffd"));
    assertThat(tokenizer.decode(tokenizer.encode("x\ud83d\ude00y"))).isEqualTo("x\ud83d\ude00y");
  }

  @Test
  void randomTextDecodesToItsNormalForm() throws IOException {
    QwenTokenizer tokenizer = tiny();
    Random random = new Random(5);
    for (int round = 0; round < 300; round++) {
      StringBuilder text = new StringBuilder();
      for (int i = random.nextInt(30); i > 0; i--) {
        int c = random.nextInt(random.nextBoolean() ? 0x250 : 0x110000);
        text.appendCodePoint(Character.isSurrogate((char) c) && c < 0x10000 ? 'x' : c);
      }
      assertThat(tokenizer.decode(tokenizer.encode(text.toString())))
          .isEqualTo(CanonicalComposition.normalize(text.toString()));
    }
  }

  @Test
  void longWordsTakeNoQuadraticTime() throws IOException {
    QwenTokenizer tokenizer = tiny();
    Random random = new Random(1);
    StringBuilder word = new StringBuilder();
    for (int i = 0; i < 400_000; i++) {
      word.append((char) ('a' + random.nextInt(26)));
    }
    String letters = word.toString();
    for (String text :
        new String[] {
          letters,
          "a".repeat(400_000),
          " ".repeat(400_000),
          "\u0301".repeat(400_000),
          "<".repeat(400_000),
          "<|im_".repeat(80_000),
          "\n ".repeat(200_000),
          "'".repeat(400_000)
        }) {
      int[] ids =
          Assertions.assertTimeoutPreemptively(
              Duration.ofSeconds(10), () -> tokenizer.encode(text), text.substring(0, 5));
      assertThat(tokenizer.decode(ids)).isEqualTo(text);
    }
  }

  @Test
  void decodeLeavesOutUnknownIdsAndRefusesNegativeOnes() throws IOException {
    QwenTokenizer tokenizer = tiny();
    assertThat(tokenizer.vocabSize()).isEqualTo(962);
    assertThat(tokenizer.decode(new int[] {962, Integer.MAX_VALUE})).isEmpty();
    assertThatThrownBy(() -> tokenizer.decode(new int[] {-1}))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("QwenTokenizer.decode: id, expected 0 or more, got -1");
    assertThatThrownBy(() -> tokenizer.id("<|nothing|>"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("expected one of the vocabulary, got \"<|nothing|>\"");
  }

  @Test
  void addedTokensJsonGivesTheIds() throws IOException {
    for (String name : new String[] {"vocab.json", "merges.txt", "tokenizer_config.json"}) {
      Files.copy(TokenizerGolden.tiny().resolve(name), folder.resolve(name));
    }
    assertThatThrownBy(() -> QwenTokenizer.read(folder))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("has an id in no file")
        .hasMessageContaining("add the model's tokenizer.json to the folder");
    StringBuilder ids = new StringBuilder("{");
    String[] names = {
      "endoftext",
      "im_start",
      "im_end",
      "object_ref_start",
      "object_ref_end",
      "box_start",
      "box_end",
      "quad_start",
      "quad_end",
      "vision_start",
      "vision_end",
      "vision_pad",
      "image_pad",
      "video_pad"
    };
    int first = tiny().encode("<|endoftext|>")[0];
    for (int i = 0; i < names.length; i++) {
      ids.append(i == 0 ? "" : ",").append("\"<|").append(names[i]).append("|>\":");
      ids.append(first + i);
    }
    Files.writeString(folder.resolve("added_tokens.json"), ids.append("}"));
    QwenTokenizer fromFiles = QwenTokenizer.read(folder);
    QwenTokenizer fromJson = tiny();
    assertThat(fromFiles.vocabSize()).isEqualTo(fromJson.vocabSize());
    for (TokenizerGolden.Row row : TokenizerGolden.read("tiny.jsonl.gz")) {
      if (row.text() != null) {
        assertThat(fromFiles.encode(row.text())).isEqualTo(row.idArray());
      }
    }
  }

  static Stream<Arguments> hostileTokenizerJson() {
    return Stream.of(
        Arguments.of(
            "\"type\":\"BPE\"",
            "\"type\":\"WordPiece\"",
            "key \"model.type\", expected Qwen2's, which is \"BPE\", got \"WordPiece\""),
        Arguments.of(
            "\"type\":\"NFC\"",
            "\"type\":\"NFKC\"",
            "key \"normalizer.type\", expected Qwen2's, which is \"NFC\""),
        Arguments.of(
            "\\\\p{N}|",
            "\\\\p{N}{1,3}|",
            "key \"pre_tokenizer.pretokenizers[0].pattern.Regex\", expected Qwen2's"),
        Arguments.of(
            "\"ignore_merges\":false",
            "\"ignore_merges\":true",
            "key \"model.ignore_merges\", expected Qwen2's, which is false"),
        Arguments.of(
            "\"byte_fallback\":false", "\"byte_fallback\":true", "key \"model.byte_fallback\""),
        Arguments.of(
            "\"dropout\":null",
            "\"dropout\":0.5",
            "key \"model.dropout\", expected Qwen2's, which is no dropout"),
        Arguments.of("\"!\":0", "\"!\":1", "an id of its own"),
        Arguments.of("\"!\":0", "\"!\":-1", "a whole number from 0 to 3999999, got -1"),
        Arguments.of(
            "\"!\":0", "\"!\":2147483647", "a whole number from 0 to 3999999, got 2147483647"),
        Arguments.of("\"!\":0", "\"!\":\"0\"", "a whole number from 0 to 3999999"),
        Arguments.of(
            "\"merges\":[[\"h\",\"e\"]",
            "\"merges\":[[\"h\",\"q\"]",
            "merge 0, expected tokens of the vocabulary, got \"hq\""),
        Arguments.of("\"merges\":[[\"h\",\"e\"]", "\"merges\":[[\"h\"]", "two tokens"),
        Arguments.of(
            "\"merges\":[[\"h\",\"e\"]", "\"merges\":[\"h e l\"", "two tokens and a space between"),
        Arguments.of(
            "\"content\":\"<plain>\"",
            "\"content\":\"\"",
            "a token of 1 to 512 characters, got 0 characters"),
        Arguments.of(
            "\"content\":\"<plain>\"",
            "\"content\":\"" + "x".repeat(600) + "\"",
            "a token of 1 to 512 characters, got 600 characters"),
        Arguments.of("\"content\":\"<plain>\"", "\"content\":\"h\"", "id 71 for token \"h\""),
        Arguments.of("\"content\":\"<left>\"", "\"content\":\"<plain>\"", "for token \"<plain>\""),
        Arguments.of("\"model\":", "\"madel\":", "key \"model\""));
  }

  @ParameterizedTest
  @MethodSource("hostileTokenizerJson")
  void hostileTokenizerJsonIsNamed(String from, String to, String message) throws IOException {
    Path flags = Golden.path("tokenizer/flags/tokenizer.json");
    String good = Files.readString(flags);
    assertThat(good).contains(from);
    Files.writeString(folder.resolve("tokenizer.json"), good.replace(from, to));
    assertThatThrownBy(() -> QwenTokenizer.read(folder))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining(message)
        .hasMessageContaining("tokenizer.json");
  }

  @Test
  void hostileMergesAreNamed() throws IOException {
    Files.writeString(folder.resolve("vocab.json"), "{\"a\":0,\"b\":1,\"ab\":2}");
    Path merges = folder.resolve("merges.txt");
    Files.writeString(merges, "#version: 0.2\na b\n");
    assertThat(QwenTokenizer.read(folder).encode("abaé")).containsExactly(2, 0);
    Files.writeString(merges, "#version: 0.2\nab\n");
    assertThatThrownBy(() -> QwenTokenizer.read(folder))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("merges line 2, expected two tokens and a space between, got \"ab\"");
    Files.writeString(merges, "a c\n");
    assertThatThrownBy(() -> QwenTokenizer.read(folder))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("merge 0, expected tokens of the vocabulary, got \"c\"");
    Files.write(merges, "é\n".getBytes(StandardCharsets.ISO_8859_1));
    assertThatThrownBy(() -> QwenTokenizer.read(folder))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("merges, expected UTF-8 text");
    Files.delete(merges);
    assertThatThrownBy(() -> QwenTokenizer.read(folder))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("expected tokenizer.json, or vocab.json and merges.txt");
  }

  private static QwenTokenizer tiny() throws IOException {
    return QwenTokenizer.read(TokenizerGolden.tiny());
  }
}
