package inkstone.model.pipeline;

import inkstone.loader.TensorSource;
import inkstone.loader.Weights;
import inkstone.loader.config.TextConfig;
import inkstone.loader.config.TextEncoderConfig;
import inkstone.loader.config.VisionConfig;
import inkstone.loader.gguf.TextNames;
import inkstone.loader.gguf.VisionNames;
import inkstone.loader.json.Json;
import inkstone.memory.TensorArena;
import inkstone.tensor.Tensor;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;

/** Writes a model's parts as GGUF files in F32: ComfyUI-GGUF's and llama.cpp's. */
final class GgufForms {
  private static final int ALIGNMENT = 32;

  private final List<Out> fields = new ArrayList<>();
  private final List<String> names = new ArrayList<>();
  private final List<long[]> shapes = new ArrayList<>();
  private final List<float[]> values = new ArrayList<>();

  private GgufForms() {}

  /** The transformer under its own names. */
  static Path transformer(Path model, Path file, String config) throws IOException {
    GgufForms gguf = new GgufForms();
    gguf.string("general.architecture", "qwen_image");
    gguf.string("inkstone.config", config);
    gguf.copy(model.resolve("transformer"), (name, tensor) -> gguf.add(name, tensor));
    return gguf.write(file);
  }

  /** llama.cpp's language model with its tokenizer. */
  static Path text(Path model, Path file) throws IOException {
    GgufForms gguf = new GgufForms();
    TextConfig config = TextEncoderConfig.read(model).text();
    gguf.string("general.architecture", "qwen2vl");
    gguf.whole("qwen2vl.block_count", config.numHiddenLayers());
    gguf.whole("qwen2vl.context_length", config.maxPositionEmbeddings());
    gguf.whole("qwen2vl.embedding_length", config.hiddenSize());
    gguf.whole("qwen2vl.feed_forward_length", config.intermediateSize());
    gguf.whole("qwen2vl.attention.head_count", config.numAttentionHeads());
    gguf.whole("qwen2vl.attention.head_count_kv", config.numKeyValueHeads());
    gguf.number("qwen2vl.attention.layer_norm_rms_epsilon", config.rmsNormEps());
    gguf.number("qwen2vl.rope.freq_base", (float) config.ropeTheta());
    List<Integer> sections = new ArrayList<>(config.mropeSection());
    sections.add(0);
    gguf.wholes("qwen2vl.rope.dimension_sections", sections);
    gguf.tokenizer(model.resolve("tokenizer"), config.vocabSize());
    gguf.copy(
        model.resolve("text_encoder"),
        (name, tensor) -> {
          if (!name.startsWith("visual.")) {
            gguf.add(TextNames.stored(name), tensor);
          }
        });
    return gguf.write(file);
  }

  /** llama.cpp's vision tower: queries, keys and values apart, and the two frames of a patch. */
  static Path vision(Path model, Path file) throws IOException {
    GgufForms gguf = new GgufForms();
    VisionConfig config = TextEncoderConfig.read(model).vision();
    gguf.string("general.architecture", "clip");
    gguf.string("clip.projector_type", "qwen2.5vl_merger");
    gguf.whole("clip.vision.block_count", config.depth());
    gguf.whole("clip.vision.embedding_length", config.hiddenSize());
    gguf.whole("clip.vision.feed_forward_length", config.intermediateSize());
    gguf.whole("clip.vision.attention.head_count", config.numHeads());
    gguf.whole("clip.vision.patch_size", config.patchSize());
    gguf.whole("clip.vision.projection_dim", config.outHiddenSize());
    gguf.whole("clip.vision.window_size", config.windowSize());
    gguf.whole("clip.vision.n_wa_pattern", config.fullattBlockIndexes().getFirst() + 1);
    gguf.copy(
        model.resolve("text_encoder"),
        (name, tensor) -> {
          if (name.contains("attn.qkv.")) {
            long third = tensor.dim(0) / 3;
            for (int i = 0; i < 3; i++) {
              String part = name.replace("attn.qkv", "attn." + "qkv".charAt(i));
              gguf.add(VisionNames.stored(part), tensor.rows(i * third, (i + 1) * third));
            }
          } else if (name.equals("visual.patch_embed.proj.weight")) {
            gguf.frames(tensor);
          } else if (name.startsWith("visual.")) {
            gguf.add(VisionNames.stored(name), tensor);
          }
        });
    return gguf.write(file);
  }

  private void frames(Tensor patch) {
    int plane = Math.toIntExact(patch.dim(3) * patch.dim(4));
    int channels = Math.toIntExact(patch.dim(0) * patch.dim(1));
    float[] all = patch.toFloatArray();
    for (int frame = 0; frame < 2; frame++) {
      float[] one = new float[channels * plane];
      for (int c = 0; c < channels; c++) {
        System.arraycopy(all, (2 * c + frame) * plane, one, c * plane, plane);
      }
      names.add(frame == 0 ? "v.patch_embd.weight" : "v.patch_embd.weight.1");
      shapes.add(new long[] {patch.dim(0), patch.dim(1), patch.dim(3), patch.dim(4)});
      values.add(one);
    }
  }

  private void tokenizer(Path folder, int vocabSize) throws IOException {
    String[] tokens = new String[vocabSize];
    int[] types = new int[vocabSize];
    Arrays.fill(types, 5);
    Json json = Json.read(folder.resolve("tokenizer.json"));
    for (Map.Entry<String, Json> entry : json.get("model").get("vocab").fields().entrySet()) {
      int id = entry.getValue().asInt(0, vocabSize - 1);
      tokens[id] = entry.getKey();
      types[id] = 1;
    }
    for (Json added : json.get("added_tokens").items()) {
      int id = added.get("id").asInt(0, vocabSize - 1);
      tokens[id] = added.get("content").asString();
      types[id] = 3;
    }
    for (int i = 0; i < vocabSize; i++) {
      tokens[i] = tokens[i] == null ? "[PAD" + i + "]" : tokens[i];
    }
    string("tokenizer.ggml.model", "gpt2");
    string("tokenizer.ggml.pre", "qwen2");
    strings("tokenizer.ggml.tokens", List.of(tokens));
    wholes("tokenizer.ggml.token_type", Arrays.stream(types).boxed().toList());
    List<String> merges = Files.readAllLines(folder.resolve("merges.txt"));
    merges.removeIf(line -> line.startsWith("#version") || line.isEmpty());
    strings("tokenizer.ggml.merges", merges);
  }

  @FunctionalInterface
  private interface Each {
    void tensor(String name, Tensor tensor);
  }

  private void copy(Path component, Each each) throws IOException {
    try (TensorArena arena = TensorArena.open("forms")) {
      TensorSource source = Weights.source(arena, component);
      for (String name : source.names()) {
        each.tensor(name, source.tensor(name));
      }
    }
  }

  private void add(String name, Tensor tensor) {
    names.add(name);
    shapes.add(tensor.shape().toArray());
    values.add(tensor.toFloatArray());
  }

  private void string(String key, String value) {
    fields.add(new Out().text(key).i32(8).text(value));
  }

  private void whole(String key, int value) {
    fields.add(new Out().text(key).i32(4).i32(value));
  }

  private void number(String key, float value) {
    fields.add(new Out().text(key).i32(6).i32(Float.floatToRawIntBits(value)));
  }

  private void wholes(String key, List<Integer> items) {
    Out out = new Out().text(key).i32(9).i32(5).i64(items.size());
    items.forEach(out::i32);
    fields.add(out);
  }

  private void strings(String key, List<String> items) {
    Out out = new Out().text(key).i32(9).i32(8).i64(items.size());
    items.forEach(out::text);
    fields.add(out);
  }

  /** Little-endian bytes. */
  private static final class Out {
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

    Out i32(int value) {
      for (int shift = 0; shift < 32; shift += 8) {
        bytes.write(value >>> shift);
      }
      return this;
    }

    Out i64(long value) {
      return i32((int) value).i32((int) (value >>> 32));
    }

    Out text(String text) {
      byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
      i64(utf8.length);
      bytes.writeBytes(utf8);
      return this;
    }

    Out pad() {
      while (bytes.size() % ALIGNMENT != 0) {
        bytes.write(0);
      }
      return this;
    }
  }

  private Path write(Path file) throws IOException {
    Out out = new Out();
    out.bytes.writeBytes("GGUF".getBytes(StandardCharsets.US_ASCII));
    out.i32(3).i64(names.size()).i64(fields.size());
    fields.forEach(field -> out.bytes.writeBytes(field.bytes.toByteArray()));
    long offset = 0;
    for (int i = 0; i < names.size(); i++) {
      long[] shape = shapes.get(i);
      out.text(names.get(i)).i32(shape.length);
      reversed(shape).forEach(out::i64);
      out.i32(0).i64(offset);
      offset = padded(offset + 4L * values.get(i).length);
    }
    out.pad();
    for (float[] tensor : values) {
      for (float value : tensor) {
        out.i32(Float.floatToRawIntBits(value));
      }
      out.pad();
    }
    return Files.write(file, out.bytes.toByteArray());
  }

  private static List<Long> reversed(long[] shape) {
    List<Long> dims = new ArrayList<>(Arrays.stream(shape).boxed().toList());
    Collections.reverse(dims);
    return dims;
  }

  private static long padded(long offset) {
    return (offset + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
  }
}
