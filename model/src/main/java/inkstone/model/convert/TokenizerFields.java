package inkstone.model.convert;

import inkstone.loader.CheckpointException;
import inkstone.loader.json.Json;
import inkstone.loader.write.GgufFields;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;

/**
 * A byte-level tokenizer in GGUF's metadata, from tokenizer.json: what gguf-py's SpecialVocab and
 * {@code _set_vocab_gpt2} of llama.cpp's converter write for Qwen2.
 */
final class TokenizerFields {
  private static final int NORMAL = 1;
  private static final int CONTROL = 3;
  private static final int USER_DEFINED = 4;
  private static final int UNUSED = 5;
  private static final String PREFIX = "tokenizer.ggml.";

  private TokenizerFields() {}

  /**
   * The tokenizer.json that belongs to a text encoder's folder or file; null when there is none.
   */
  static Path find(Path weights) {
    Path folder = Files.isDirectory(weights) ? weights : weights.toAbsolutePath().getParent();
    for (Path candidate :
        List.of(folder, folder.resolve("tokenizer"), folder.resolveSibling("tokenizer"))) {
      Path file = candidate.resolve("tokenizer.json");
      if (Files.isRegularFile(file)) {
        return file;
      }
    }
    return null;
  }

  /**
   * Adds the tokenizer.
   *
   * @param rows of the embedding: ids that no token has are marked as unused
   */
  static void add(GgufFields fields, Path file, int rows) throws CheckpointException {
    Json json = Json.read(file);
    Json model = json.get("model");
    List<String> tokens = new ArrayList<>(rows);
    for (int id = 0; id < rows; id++) {
      tokens.add("[PAD" + id + "]");
    }
    List<Integer> types = new ArrayList<>(Collections.nCopies(rows, UNUSED));
    for (Map.Entry<String, Json> entry : model.get("vocab").fields().entrySet()) {
      int id = entry.getValue().asInt(0, rows - 1);
      tokens.set(id, entry.getKey());
      types.set(id, NORMAL);
    }
    for (Json token : json.get("added_tokens").items()) {
      int id = token.get("id").asInt(0, rows - 1);
      tokens.set(id, token.get("content").asString());
      types.set(id, token.flag("special", false) ? CONTROL : USER_DEFINED);
    }
    fields.string(PREFIX + "model", "gpt2");
    fields.string(PREFIX + "pre", "qwen2");
    fields.strings(PREFIX + "tokens", tokens);
    fields.wholes(PREFIX + "token_type", types);
    fields.strings(PREFIX + "merges", merges(model));
    id(fields, tokens, "eos_token_id", "<|im_end|>");
    id(fields, tokens, "padding_token_id", "<|endoftext|>");
    fields.flag(PREFIX + "add_bos_token", false);
  }

  /** As one string with a space, or as a pair: both spellings are in use. */
  private static List<String> merges(Json model) throws CheckpointException {
    List<String> merges = new ArrayList<>();
    for (Json merge : model.get("merges").items()) {
      if (merge.isArray()) {
        List<Json> pair = merge.items();
        if (pair.size() != 2) {
          throw merge.error("two tokens");
        }
        merges.add(pair.getFirst().asString() + " " + pair.getLast().asString());
      } else {
        merges.add(merge.asString());
      }
    }
    return merges;
  }

  private static void id(GgufFields fields, List<String> tokens, String key, String token) {
    int id = tokens.indexOf(token);
    if (id >= 0) {
      fields.whole(PREFIX + key, id);
    }
  }
}
