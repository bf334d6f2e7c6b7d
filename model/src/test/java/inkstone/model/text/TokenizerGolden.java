package inkstone.model.text;

import inkstone.loader.Golden;
import inkstone.loader.gguf.GgufBuilder;
import inkstone.loader.json.Json;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.zip.GZIPInputStream;

/** Goldens that {@code reference/tokenizer.py} wrote, and the real tokenizer's files for tests. */
final class TokenizerGolden {
  /**
   * One line.
   *
   * @param text what was encoded; null where only decoding is tested
   * @param decoded what the ids decode to
   */
  record Row(String text, List<Integer> ids, String decoded) {
    int[] idArray() {
      return ids.stream().mapToInt(Integer::intValue).toArray();
    }
  }

  private TokenizerGolden() {}

  static Path tiny() {
    return Golden.tinyModel().resolve("tokenizer");
  }

  static List<Row> read(String name) throws IOException {
    List<Row> rows = new ArrayList<>();
    Path file = Golden.path("tokenizer").resolve(name);
    try (BufferedReader lines = reader(Files.newInputStream(file))) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        Json json = Json.parse(line, name);
        String text = json.string("text", null);
        List<Integer> ids = json.get("ids").items().stream().map(TokenizerGolden::id).toList();
        rows.add(new Row(text, ids, json.string("decoded", text)));
      }
    }
    return rows;
  }

  /** Writes vocab.json, merges.txt and tokenizer_config.json of the real tokenizer. */
  static void writeVocabAndMerges(Path folder) throws IOException {
    List<String> merges = merges();
    Files.writeString(folder.resolve("merges.txt"), String.join("\n", merges) + "\n");
    StringBuilder vocab = new StringBuilder("{");
    List<String> tokens = vocab(merges);
    for (int i = 0; i < tokens.size(); i++) {
      vocab.append(i == 0 ? "" : ",").append(quote(tokens.get(i))).append(':').append(i);
    }
    Files.writeString(folder.resolve("vocab.json"), vocab.append("}").toString());
    try (InputStream in = resource("tokenizer_config.json")) {
      Files.copy(in, folder.resolve("tokenizer_config.json"));
    }
  }

  /** Writes tokenizer.json of the real tokenizer alone. */
  static void writeTokenizerJson(Path folder) throws IOException {
    List<String> merges = merges();
    List<String> tokens = vocab(merges);
    StringBuilder out = new StringBuilder("{\"added_tokens\":[");
    try (InputStream in = resource("tokenizer_config.json")) {
      Json config = Json.parse(new String(in.readAllBytes(), StandardCharsets.UTF_8), "config");
      String separator = "";
      for (var entry : config.get("added_tokens_decoder").fields().entrySet()) {
        out.append(separator).append("{\"id\":").append(entry.getKey());
        out.append(",\"content\":").append(quote(entry.getValue().get("content").asString()));
        for (String flag : List.of("single_word", "lstrip", "rstrip", "normalized", "special")) {
          out.append(",\"").append(flag).append("\":");
          out.append(entry.getValue().get(flag).asBoolean());
        }
        out.append('}');
        separator = ",";
      }
    }
    out.append("],\"normalizer\":{\"type\":\"NFC\"},\"pre_tokenizer\":{\"type\":\"Sequence\",");
    out.append("\"pretokenizers\":[{\"type\":\"Split\",\"pattern\":{\"Regex\":");
    out.append(quote(WordSplitter.PATTERN));
    out.append("},\"behavior\":\"Isolated\",\"invert\":false},{\"type\":\"ByteLevel\",");
    out.append("\"add_prefix_space\":false,\"trim_offsets\":false,\"use_regex\":false}]},");
    out.append("\"model\":{\"type\":\"BPE\",\"vocab\":{");
    for (int i = 0; i < tokens.size(); i++) {
      out.append(i == 0 ? "" : ",").append(quote(tokens.get(i))).append(':').append(i);
    }
    out.append("},\"merges\":[");
    for (int i = 1; i < merges.size(); i++) {
      out.append(i == 1 ? "" : ",").append(quote(merges.get(i)));
    }
    Files.writeString(folder.resolve("tokenizer.json"), out.append("]}}").toString());
  }

  /** Writes the real tokenizer as metadata of a GGUF file, as llama.cpp's converter does. */
  static Path writeGguf(Path file) throws IOException {
    List<String> merges = merges();
    List<String> tokens = vocab(merges);
    int[] types = new int[152_064];
    Arrays.fill(types, 0, tokens.size(), 1);
    try (InputStream in = resource("tokenizer_config.json")) {
      Json config = Json.parse(new String(in.readAllBytes(), StandardCharsets.UTF_8), "config");
      for (var entry : config.get("added_tokens_decoder").fields().entrySet()) {
        if (Integer.parseInt(entry.getKey()) != tokens.size()) {
          throw new AssertionError("added tokens follow the vocabulary in order");
        }
        types[tokens.size()] = entry.getValue().get("special").asBoolean() ? 3 : 4;
        tokens.add(entry.getValue().get("content").asString());
      }
    }
    for (int id = tokens.size(); id < types.length; id++) {
      types[id] = 5;
      tokens.add("[PAD" + id + "]");
    }
    return new GgufBuilder()
        .string("tokenizer.ggml.model", "gpt2")
        .string("tokenizer.ggml.pre", "qwen2")
        .strings("tokenizer.ggml.tokens", tokens)
        .i32s("tokenizer.ggml.token_type", types)
        .strings("tokenizer.ggml.merges", merges.subList(1, merges.size()))
        .write(file);
  }

  /** Lines of the real merges.txt, the version line first. */
  private static List<String> merges() throws IOException {
    try (BufferedReader reader = reader(resource("merges.txt.gz"))) {
      return reader.readAllAsString().lines().toList();
    }
  }

  /** The real vocabulary by id: the byte alphabet, then what each merge makes. */
  private static List<String> vocab(List<String> merges) {
    List<String> tokens = new ArrayList<>();
    List<String> moved = new ArrayList<>();
    for (int b = 0; b < 256; b++) {
      char c = ByteAlphabet.toChar(b);
      (c == b ? tokens : moved).add(String.valueOf(c));
    }
    tokens.addAll(moved);
    merges.stream().skip(1).map(merge -> merge.replace(" ", "")).forEach(tokens::add);
    return tokens;
  }

  static String quote(String text) {
    StringBuilder out = new StringBuilder("\"");
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == '"' || c == '\\') {
        out.append('\\').append(c);
      } else if (c < ' ') {
        out.append(String.format("\\u%04x", (int) c));
      } else {
        out.append(c);
      }
    }
    return out.append('"').toString();
  }

  private static Integer id(Json json) {
    return ((Long) json.raw()).intValue();
  }

  private static InputStream resource(String name) {
    return TokenizerGolden.class.getResourceAsStream("/inkstone/model/text/qwen2.5/" + name);
  }

  private static BufferedReader reader(InputStream gzip) throws IOException {
    return new BufferedReader(
        new InputStreamReader(new GZIPInputStream(gzip), StandardCharsets.UTF_8));
  }
}
