package inkstone.model.fuzz;

import inkstone.loader.gguf.GgufConfigs;
import inkstone.loader.gguf.GgufFile;
import inkstone.loader.json.Json;
import inkstone.model.text.QwenTokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/** GGUF files: of each version, and a text model with its tokenizer. */
final class GgufSubjects {
  private GgufSubjects() {}

  /**
   * Writes them below {@code root}.
   *
   * @param model whose tokenizer is taken
   */
  static List<FuzzSubject> in(Path root, Path model) throws IOException {
    List<FuzzSubject> subjects = new ArrayList<>(plain(root, 2));
    subjects.addAll(plain(root, 3));
    subjects.addAll(text(root, model));
    return subjects;
  }

  private static Path write(Path folder, GgufBytes gguf) throws IOException {
    return Files.write(Files.createDirectories(folder).resolve("model.gguf"), gguf.toBytes());
  }

  /** With one tensor of each kind of type, and the metadata that are read. */
  private static List<FuzzSubject> plain(Path root, int version) throws IOException {
    GgufBytes gguf =
        new GgufBytes(version, 6, 9)
            .pair("general.architecture", "qwen_image")
            .pair("general.alignment", 4, 32, 4)
            .pair("general.license", "apache-2.0")
            .pair("general.file_type", 4, 15, 4)
            .pair("flag", 7, 1, 1)
            .pair("real", 6, Float.floatToIntBits(1e-6f), 4)
            .pair("tokens", List.of("a", "b", "ab"))
            .pair("types", 5, new int[] {1, 1, 3})
            .pair("comfy.gguf.orig_shape.kernel", 5, new int[] {2, 1, 4})
            .tensor("a.weight", 0, 24, 3, 2)
            .tensor("a.bias", 1, 4, 2)
            .tensor("q4.weight", 12, 144, 256, 1)
            .tensor("q8.weight", 8, 68, 32, 2)
            .tensor("kernel", 30, 16, 8)
            .tensor("scalar", 0, 4);
    Path file = write(root.resolve("gguf" + version), gguf);
    return Collections.nCopies(
        4,
        new FuzzSubject(
            "GGUF version " + version,
            file,
            gguf.mutations(),
            arena -> FuzzSubjects.touch(arena, file)));
  }

  /** llama.cpp's text model: config and tokenizer come from its metadata. */
  private static List<FuzzSubject> text(Path root, Path model) throws IOException {
    Json tokenizer = Json.read(model.resolve("tokenizer/tokenizer.json"));
    SortedMap<Integer, String> tokens = new TreeMap<>();
    for (Map.Entry<String, Json> token : tokenizer.get("model").get("vocab").fields().entrySet()) {
      tokens.put(token.getValue().asInt(), token.getKey());
    }
    int normal = tokens.size();
    for (Json token : tokenizer.get("added_tokens").items()) {
      tokens.putIfAbsent(token.get("id").asInt(), token.get("content").asString());
    }
    int[] types = new int[tokens.size()];
    Arrays.fill(types, 1);
    Arrays.fill(types, normal, types.length, 3);
    List<String> merges = Files.readAllLines(model.resolve("tokenizer/merges.txt"));
    merges.removeIf(line -> line.startsWith("#") || line.isEmpty());
    GgufBytes gguf =
        new GgufBytes(3, 1, 14)
            .pair("general.architecture", "qwen2vl")
            .pair("qwen2vl.block_count", 4, 1, 4)
            .pair("qwen2vl.context_length", 4, 128_000, 4)
            .pair("qwen2vl.embedding_length", 4, 40, 4)
            .pair("qwen2vl.feed_forward_length", 4, 72, 4)
            .pair("qwen2vl.attention.head_count", 4, 5, 4)
            .pair("qwen2vl.attention.head_count_kv", 4, 1, 4)
            .pair("qwen2vl.attention.layer_norm_rms_epsilon", 6, Float.floatToIntBits(1e-6f), 4)
            .pair("qwen2vl.rope.dimension_sections", 5, new int[] {2, 1, 1, 0})
            .pair("tokenizer.ggml.model", "gpt2")
            .pair("tokenizer.ggml.pre", "qwen2")
            .pair("tokenizer.ggml.tokens", List.copyOf(tokens.values()))
            .pair("tokenizer.ggml.token_type", 5, types)
            .pair("tokenizer.ggml.merges", merges)
            .tensor("token_embd.weight", 30, types.length * 80, 40, types.length);
    Path file = write(root.resolve("gguf-text"), gguf);
    FuzzSubject.Target target =
        arena -> {
          GgufFile open = GgufFile.open(arena, file);
          FuzzSubjects.use(QwenTokenizer.read(open.typed()));
          GgufConfigs.textEncoder(open.typed(), open, null, null);
          FuzzSubjects.inspect(file);
        };
    return Collections.nCopies(
        2, new FuzzSubject("GGUF text model", file, gguf.mutations(), target));
  }
}
