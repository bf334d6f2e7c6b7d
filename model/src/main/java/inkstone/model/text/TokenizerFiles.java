package inkstone.model.text;

import inkstone.loader.CheckpointException;
import inkstone.loader.CheckpointFiles;
import inkstone.loader.FileKind;
import inkstone.loader.config.TokenizerConfig;
import inkstone.loader.json.Json;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * What a tokenizer folder holds: from {@code tokenizer.json}, else from {@code vocab.json} and
 * {@code merges.txt}; added tokens also from {@code tokenizer_config.json} and {@code
 * added_tokens.json}. Anything that is not Qwen2's kind of tokenizer is refused by name.
 *
 * @param vocab token to id, without the added tokens that only the other files name
 * @param merges in order of rank
 * @param where the file of the merges, for messages
 */
record TokenizerFiles(
    Map<String, Integer> vocab,
    List<BytePairMerger.Merge> merges,
    List<AddedToken> added,
    String where) {

  /** Ids stay below this; Qwen2.5's stay below 151,936. */
  static final int MAX_IDS = 4_000_000;

  private static final long MAX_MERGES_BYTES = 100_000_000;
  private static final String USE_QWEN =
      "use the tokenizer folder that the Qwen-Image model was published with";

  static TokenizerFiles read(Path folder) throws CheckpointException {
    Path tokenizer = folder.resolve("tokenizer.json");
    Path vocab = folder.resolve("vocab.json");
    Path merges = folder.resolve("merges.txt");
    if (Files.exists(tokenizer)) {
      return fromTokenizerJson(folder, Json.read(tokenizer));
    }
    if (Files.exists(vocab) && Files.exists(merges)) {
      return fromVocabAndMerges(folder, Json.read(vocab), merges);
    }
    throw CheckpointException.of(
        "tokenizer: expected tokenizer.json, or vocab.json and merges.txt, got a folder without",
        folder,
        "download the tokenizer folder of the model");
  }

  private static TokenizerFiles fromTokenizerJson(Path folder, Json json)
      throws CheckpointException {
    Json model = json.get("model");
    requireQwen(json, model);
    Map<String, Integer> vocab = vocab(model.get("vocab"));
    Added added = new Added(vocab);
    if (json.has("added_tokens")) {
      for (Json item : json.get("added_tokens").items()) {
        added.add(AddedToken.of(item, item.get("id").asInt(0, MAX_IDS - 1)), item);
      }
    }
    TokenizerConfig config = config(folder);
    if (config != null) {
      added.addAll(config, json);
    }
    return new TokenizerFiles(vocab, merges(model.get("merges")), added.tokens(), json.where());
  }

  private static TokenizerFiles fromVocabAndMerges(Path folder, Json vocabJson, Path mergesFile)
      throws CheckpointException {
    Map<String, Integer> vocab = vocab(vocabJson);
    Added added = new Added(vocab);
    Set<String> special = new HashSet<>();
    Path map = folder.resolve("special_tokens_map.json");
    Path ids = folder.resolve("added_tokens.json");
    TokenizerConfig config = config(folder);
    if (config != null) {
      added.addAll(config, vocabJson);
      for (String name :
          Arrays.asList(
              config.bosToken(), config.eosToken(), config.padToken(), config.unkToken())) {
        if (name != null) {
          special.add(name);
        }
      }
      special.addAll(config.specialTokens());
    }
    if (Files.exists(map)) {
      special.addAll(specialNames(Json.read(map)));
    }
    if (Files.exists(ids)) {
      for (Map.Entry<String, Json> entry : Json.read(ids).fields().entrySet()) {
        Json at = entry.getValue();
        String content = AddedToken.checked(entry.getKey(), at);
        boolean normalized = !special.contains(content);
        added.add(
            new AddedToken(content, at.asInt(0, MAX_IDS - 1), false, false, false, normalized), at);
      }
    }
    for (String content : special) {
      Integer id = vocab.get(content);
      if (id != null) {
        added.add(new AddedToken(content, id, false, false, false, false), vocabJson);
      } else if (!added.has(content)) {
        throw CheckpointException.of(
            "tokenizer: token "
                + CheckpointException.quote(content)
                + " is special but has an id in no file, expected one in"
                + " tokenizer.json, added_tokens.json or added_tokens_decoder",
            folder,
            "add the model's tokenizer.json to the folder");
      }
    }
    return new TokenizerFiles(
        vocab, mergesText(mergesFile), added.tokens(), CheckpointException.quote(mergesFile));
  }

  /** Added tokens by content; the first file that names one decides its flags. */
  private static final class Added {
    private final Map<String, Integer> vocab;
    private final Map<Integer, String> vocabById = new HashMap<>();
    private final Map<String, AddedToken> byContent = new LinkedHashMap<>();
    private final Map<Integer, String> byId = new HashMap<>();

    Added(Map<String, Integer> vocab) {
      this.vocab = vocab;
      vocab.forEach((token, id) -> vocabById.put(id, token));
    }

    boolean has(String content) {
      return byContent.containsKey(content);
    }

    void add(AddedToken token, Json at) throws CheckpointException {
      String content = token.content();
      AddedToken known = byContent.get(content);
      int expected = known != null ? known.id() : vocab.getOrDefault(content, token.id());
      if (token.id() != expected) {
        throw at.error(
            "id " + expected + " for token " + CheckpointException.quote(content),
            "id " + token.id());
      }
      String other = vocabById.getOrDefault(token.id(), byId.get(token.id()));
      if (other != null && !other.equals(content)) {
        throw at.error(
            "an id of its own for token " + CheckpointException.quote(content),
            "id " + token.id() + " of " + CheckpointException.quote(other));
      }
      byContent.putIfAbsent(content, token);
      byId.put(token.id(), content);
    }

    void addAll(TokenizerConfig config, Json at) throws CheckpointException {
      for (Map.Entry<Integer, TokenizerConfig.AddedToken> entry : config.addedTokens().entrySet()) {
        TokenizerConfig.AddedToken token = entry.getValue();
        add(
            new AddedToken(
                AddedToken.checked(token.content(), at),
                entry.getKey(),
                token.singleWord(),
                token.lstrip(),
                token.rstrip(),
                token.normalized()),
            at);
      }
    }

    List<AddedToken> tokens() {
      return List.copyOf(byContent.values());
    }
  }

  private static void requireQwen(Json json, Json model) throws CheckpointException {
    requireString(model, "type", "BPE");
    requireFalse(model, "byte_fallback");
    requireFalse(model, "ignore_merges");
    requireEmpty(model, "unk_token");
    requireEmpty(model, "continuing_subword_prefix");
    requireEmpty(model, "end_of_word_suffix");
    if (model.number("dropout", 0, 0, 1) != 0) {
      throw unknown(model.get("dropout"), "no dropout");
    }
    requireString(json.get("normalizer"), "type", "NFC");
    Json pre = json.get("pre_tokenizer");
    requireString(pre, "type", "Sequence");
    List<Json> steps = pre.get("pretokenizers").items();
    if (steps.size() != 2) {
      throw unknown(pre.get("pretokenizers"), "a Split and a ByteLevel");
    }
    Json split = steps.get(0);
    requireString(split, "type", "Split");
    requireString(split, "behavior", "Isolated");
    requireFalse(split, "invert");
    requireString(split.get("pattern"), "Regex", WordSplitter.PATTERN);
    Json bytes = steps.get(1);
    requireString(bytes, "type", "ByteLevel");
    requireFalse(bytes, "add_prefix_space");
    if (bytes.flag("use_regex", true)) {
      throw unknown(bytes, "use_regex false");
    }
  }

  private static void requireString(Json object, String key, String expected)
      throws CheckpointException {
    Json value = object.get(key);
    if (!value.asString().equals(expected)) {
      throw unknown(value, CheckpointException.quote(expected));
    }
  }

  private static void requireFalse(Json object, String key) throws CheckpointException {
    if (object.flag(key, false)) {
      throw unknown(object.get(key), "false");
    }
  }

  private static void requireEmpty(Json object, String key) throws CheckpointException {
    if (!object.string(key, "").isEmpty()) {
      throw unknown(object.get(key), "none");
    }
  }

  private static CheckpointException unknown(Json at, String expected) {
    Object raw = at.raw();
    return CheckpointException.of(
        "tokenizer: key "
            + CheckpointException.quote(at.path())
            + ", expected Qwen2's, which is "
            + expected
            + ", got "
            + (raw instanceof String text ? CheckpointException.quote(text) : "another"),
        at.where(),
        USE_QWEN);
  }

  private static Map<String, Integer> vocab(Json json) throws CheckpointException {
    Map<String, Json> fields = json.fields();
    Map<String, Integer> vocab = HashMap.newHashMap(fields.size());
    Map<Integer, String> byId = HashMap.newHashMap(fields.size());
    for (Map.Entry<String, Json> entry : fields.entrySet()) {
      int id = entry.getValue().asInt(0, MAX_IDS - 1);
      String other = byId.put(id, entry.getKey());
      if (other != null) {
        throw entry
            .getValue()
            .error("an id of its own", "id " + id + " of " + CheckpointException.quote(other));
      }
      vocab.put(entry.getKey(), id);
    }
    return vocab;
  }

  /** Merges as {@code "a b"} strings (older files) or {@code ["a", "b"]} pairs. */
  private static List<BytePairMerger.Merge> merges(Json json) throws CheckpointException {
    List<BytePairMerger.Merge> merges = new ArrayList<>();
    for (Json item : json.items()) {
      if (item.isString()) {
        String[] parts = item.asString().split(" ", -1);
        if (parts.length != 2) {
          throw item.error("two tokens and a space between");
        }
        merges.add(new BytePairMerger.Merge(parts[0], parts[1]));
      } else {
        List<Json> pair = item.items();
        if (pair.size() != 2) {
          throw item.error("two tokens");
        }
        merges.add(new BytePairMerger.Merge(pair.get(0).asString(), pair.get(1).asString()));
      }
    }
    return merges;
  }

  private static List<BytePairMerger.Merge> mergesText(Path file) throws CheckpointException {
    String where = CheckpointException.quote(file);
    String text;
    try {
      long bytes = CheckpointFiles.requireFile(file);
      FileKind kind = FileKind.of(file);
      if (kind == FileKind.LFS_POINTER || kind == FileKind.WEB_PAGE) {
        throw CheckpointException.of(
            "tokenizer: merges, expected lines of two tokens, got " + kind.description(),
            where,
            kind.advice());
      }
      if (bytes > MAX_MERGES_BYTES) {
        throw CheckpointException.of(
            "tokenizer: merges, expected at most " + MAX_MERGES_BYTES + " bytes, got " + bytes,
            where,
            USE_QWEN);
      }
      text =
          StandardCharsets.UTF_8
              .newDecoder()
              .decode(ByteBuffer.wrap(Files.readAllBytes(file)))
              .toString();
    } catch (CharacterCodingException e) {
      throw CheckpointException.of(
          "tokenizer: merges, expected UTF-8 text, got other bytes", where, USE_QWEN);
    } catch (IOException e) {
      throw CheckpointException.unreadable(where, e);
    }
    return merges(text, where);
  }

  /** Merges as lines of {@code a b}, after a line with the version. */
  static List<BytePairMerger.Merge> merges(String text, String where) throws CheckpointException {
    List<BytePairMerger.Merge> merges = new ArrayList<>();
    int line = 0;
    for (int start = 0; start < text.length(); ) {
      int newline = text.indexOf('\n', start);
      int end = newline < 0 ? text.length() : newline;
      int trimmed = end > start && text.charAt(end - 1) == '\r' ? end - 1 : end;
      String merge = text.substring(start, trimmed);
      start = end + 1;
      line++;
      if (merge.startsWith("#version")) {
        continue;
      }
      int space = merge.indexOf(' ');
      if (space <= 0 || space == merge.length() - 1 || merge.indexOf(' ', space + 1) >= 0) {
        throw CheckpointException.of(
            "tokenizer: merges line "
                + line
                + ", expected two tokens and a space between, got "
                + CheckpointException.quote(merge),
            where,
            USE_QWEN);
      }
      merges.add(new BytePairMerger.Merge(merge.substring(0, space), merge.substring(space + 1)));
    }
    return merges;
  }

  /** The folder's tokenizer_config.json; null when it has none. */
  private static TokenizerConfig config(Path folder) throws CheckpointException {
    Path file = folder.resolve("tokenizer_config.json");
    if (!Files.exists(file)) {
      return null;
    }
    TokenizerConfig config = TokenizerConfig.read(file);
    if (config.splitSpecialTokens() || config.addPrefixSpace()) {
      throw CheckpointException.of(
          "tokenizer: split_special_tokens and add_prefix_space, expected Qwen2's, which is false,"
              + " got true",
          CheckpointException.quote(file),
          USE_QWEN);
    }
    return config;
  }

  /** Names in special_tokens_map.json: one a role, or a list. */
  private static Set<String> specialNames(Json map) throws CheckpointException {
    Set<String> names = new HashSet<>();
    for (Json value : map.fields().values()) {
      for (Json item : value.isArray() ? value.items() : List.of(value)) {
        names.add(AddedToken.content(item.isObject() ? item.get("content") : item));
      }
    }
    return names;
  }
}
