package inkstone.model.text;

import inkstone.loader.CheckpointException;
import inkstone.loader.gguf.GgufMetadata;
import inkstone.loader.gguf.GgufStrings;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The tokenizer in a GGUF file's metadata, as llama.cpp's converter writes that of Qwen2: a list of
 * tokens by id with their types, and merges. Flags of added tokens are not stored; those of Qwen2
 * are all false.
 */
final class GgufTokenizer {
  private static final String MODEL = "tokenizer.ggml.model";
  private static final String PRE = "tokenizer.ggml.pre";
  private static final String TOKENS = "tokenizer.ggml.tokens";
  private static final String TYPES = "tokenizer.ggml.token_type";
  private static final String MERGES = "tokenizer.ggml.merges";

  // Types of tokens, as llama.cpp numbers them.
  private static final int NORMAL = 1;
  private static final int CONTROL = 3;
  private static final int USER_DEFINED = 4;
  private static final int UNUSED = 5;

  private GgufTokenizer() {}

  static TokenizerFiles read(GgufMetadata metadata) throws CheckpointException {
    require(metadata, MODEL, "gpt2");
    require(metadata, PRE, "qwen2");
    GgufStrings tokens = metadata.strings(TOKENS, TokenizerFiles.MAX_IDS);
    long[] types = metadata.wholes(TYPES, TokenizerFiles.MAX_IDS);
    if (types.length != tokens.size()) {
      throw metadata.error(TYPES, "one for each of " + tokens.size() + " tokens");
    }
    Map<String, Integer> vocab = HashMap.newHashMap(tokens.size());
    Map<String, Integer> all = HashMap.newHashMap(tokens.size());
    List<AddedToken> added = new ArrayList<>();
    int id = 0;
    for (String token : tokens) {
      Integer earlier = types[id] == UNUSED ? null : all.put(token, id);
      if (earlier != null) {
        throw metadata.error(
            TOKENS,
            "each token once",
            CheckpointException.quote(token) + " with the ids " + earlier + " and " + id);
      }
      switch (Math.clamp(types[id], 0, 99)) {
        case NORMAL -> vocab.put(token, id);
        case CONTROL, USER_DEFINED -> added.add(added(metadata, token, id));
        case UNUSED -> {
          // Rows of the embedding that no token has.
        }
        default ->
            throw metadata.error(
                TYPES,
                "1, 3, 4 or 5, as a byte-level tokenizer has",
                types[id] + " for token " + id);
      }
      id++;
    }
    return new TokenizerFiles(vocab, merges(metadata), added, metadata.where());
  }

  private static AddedToken added(GgufMetadata metadata, String token, int id)
      throws CheckpointException {
    if (token.isEmpty() || token.length() > AddedToken.MAX_CHARS) {
      throw metadata.error(
          TOKENS,
          "added tokens of 1 to " + AddedToken.MAX_CHARS + " characters",
          token.length() + " characters in token " + id);
    }
    return new AddedToken(token, id, false, false, false, false);
  }

  private static List<BytePairMerger.Merge> merges(GgufMetadata metadata)
      throws CheckpointException {
    GgufStrings stored = metadata.strings(MERGES, TokenizerFiles.MAX_IDS);
    List<BytePairMerger.Merge> merges = new ArrayList<>(stored.size());
    for (String merge : stored) {
      int space = merge.indexOf(' ');
      if (space <= 0 || space == merge.length() - 1 || merge.indexOf(' ', space + 1) >= 0) {
        throw metadata.error(
            MERGES, "two tokens and a space between", CheckpointException.quote(merge));
      }
      merges.add(new BytePairMerger.Merge(merge.substring(0, space), merge.substring(space + 1)));
    }
    return merges;
  }

  private static void require(GgufMetadata metadata, String key, String expected)
      throws CheckpointException {
    String value = metadata.string(key);
    if (!value.equals(expected)) {
      throw metadata.error(
          key, CheckpointException.quote(expected), CheckpointException.quote(value));
    }
  }
}
