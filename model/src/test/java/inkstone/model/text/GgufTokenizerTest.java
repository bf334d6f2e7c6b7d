package inkstone.model.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import inkstone.loader.CheckpointException;
import inkstone.loader.gguf.GgufBuilder;
import inkstone.loader.gguf.GgufFile;
import inkstone.memory.TensorArena;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Tokenizers in metadata that are damaged, hostile or of another kind. */
class GgufTokenizerTest {
  private static final List<String> TOKENS = List.of("a", "b", "ab", "<|x|>", "[PAD4]", "[PAD4]");
  private static final int[] TYPES = {1, 1, 1, 3, 5, 5};

  @TempDir Path folder;
  private final TensorArena arena = TensorArena.open("test");

  @AfterEach
  void close() {
    arena.close();
  }

  private static GgufBuilder kind() {
    return new GgufBuilder()
        .string("tokenizer.ggml.model", "gpt2")
        .string("tokenizer.ggml.pre", "qwen2");
  }

  private static GgufBuilder with(List<String> tokens, int[] types, List<String> merges) {
    return kind()
        .strings("tokenizer.ggml.tokens", tokens)
        .i32s("tokenizer.ggml.token_type", types)
        .strings("tokenizer.ggml.merges", merges);
  }

  private QwenTokenizer read(GgufBuilder builder) throws Exception {
    return QwenTokenizer.read(
        GgufFile.open(arena, builder.write(folder.resolve("tokens.gguf"))).typed());
  }

  @Test
  void unusedTokensAreLeftOut() throws Exception {
    QwenTokenizer tokenizer = read(with(TOKENS, TYPES, List.of("a b")));
    assertThat(tokenizer.encode("aab<|x|>")).containsExactly(0, 2, 3);
    assertThat(tokenizer.vocabSize()).isEqualTo(4);
  }

  @Test
  void wrongOnesAreRefused() {
    refused(new GgufBuilder(), "\"tokenizer.ggml.model\", expected a string, got no such key");
    refused(
        new GgufBuilder().string("tokenizer.ggml.model", "llama"),
        "\"tokenizer.ggml.model\", expected \"gpt2\", got \"llama\"");
    refused(
        new GgufBuilder()
            .string("tokenizer.ggml.model", "gpt2")
            .string("tokenizer.ggml.pre", "llama-bpe"),
        "\"tokenizer.ggml.pre\", expected \"qwen2\", got \"llama-bpe\"");
    refused(kind(), "\"tokenizer.ggml.tokens\", expected an array of at most 4000000 strings");
    refused(
        kind().i32s("tokenizer.ggml.tokens", 1, 2),
        "\"tokenizer.ggml.tokens\", expected an array of strings, got an array of 2 I32");
    refused(
        with(TOKENS, new int[] {1}, List.of()),
        "\"tokenizer.ggml.token_type\", expected one for each of 6 tokens, got an array of 1 I32");
    refused(
        with(TOKENS, new int[] {1, 1, 6, 3, 5, 5}, List.of()),
        "expected 1, 3, 4 or 5, as a byte-level tokenizer has, got 6 for token 2");
    refused(with(TOKENS, new int[] {1, 1, -1, 3, 5, 5}, List.of()), "got -1 for token 2");
    refused(
        with(List.of("a", "b", "a"), new int[] {1, 1, 1}, List.of()),
        "expected each token once, got \"a\" with the ids 0 and 2");
    refused(
        with(List.of("a", "b", "a"), new int[] {1, 1, 3}, List.of()),
        "got \"a\" with the ids 0 and 2");
    refused(
        with(List.of("a", ""), new int[] {1, 3}, List.of()),
        "expected added tokens of 1 to 512 characters, got 0 characters in token 1");
    for (String merge : List.of("", "ab", " a", "a ", "a b c", "a  b")) {
      refused(
          with(TOKENS, TYPES, List.of("a b", merge)),
          "expected two tokens and a space between, got \"" + merge + "\"");
    }
    refused(
        with(TOKENS, TYPES, List.of("b a")),
        "merge 0, expected tokens of the vocabulary, got \"ba\"");
  }

  private void refused(GgufBuilder builder, String message) {
    assertThatThrownBy(() -> read(builder))
        .isExactlyInstanceOf(CheckpointException.class)
        .hasMessageContaining(message)
        .hasMessageContaining("tokens.gguf")
        .hasMessageMatching("[^\\n]+; [^\\n]+");
  }
}
