package inkstone.model.pipeline;

import inkstone.loader.Golden;
import inkstone.loader.TensorSource;
import inkstone.loader.Weights;
import inkstone.loader.json.Json;
import inkstone.loader.safetensors.SafetensorsWriter;
import inkstone.memory.TensorArena;
import inkstone.number.Float8;
import inkstone.tensor.DType;
import inkstone.tensor.Tensor;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;

/** Writes a model folder's parts in the forms in which people have them. */
final class ModelForms {
  private final Path model;
  private final Path out;

  /**
   * @param model a Hugging Face folder
   * @param out where to write
   */
  ModelForms(Path model, Path out) {
    this.model = model;
    this.out = out;
  }

  /** Changes one tensor while it is written; null leaves it out. */
  @FunctionalInterface
  interface Change {
    void write(SafetensorsWriter writer, String name, Tensor tensor);
  }

  static void asIs(SafetensorsWriter writer, String name, Tensor tensor) {
    writer.raw(
        name,
        tensor.dtype(),
        tensor.segment().toArray(ValueLayout.JAVA_BYTE),
        tensor.shape().toArray());
  }

  /** The part with every name changed. */
  Path file(String name, String part, UnaryOperator<String> rename) throws IOException {
    return file(name, part, (w, n, t) -> asIs(w, rename.apply(n), t), writer(part));
  }

  /** The part with every tensor changed. */
  Path file(String name, String part, Change change, SafetensorsWriter writer) throws IOException {
    try (TensorArena arena = TensorArena.open("forms")) {
      TensorSource source = Weights.source(arena, model.resolve(part));
      for (String tensor : source.names()) {
        change.write(writer, tensor, source.tensor(tensor));
      }
    }
    return writer.write(out.resolve(name));
  }

  /** With the part's config, and for the transformer what the folder says besides. */
  SafetensorsWriter writer(String part) throws IOException {
    return new SafetensorsWriter().metadata("config", config(part));
  }

  /** The text for a file's metadata. */
  String config(String part) throws IOException {
    String config = Files.readString(model.resolve(part).resolve("config.json"));
    if (part.equals("transformer")) {
      String areas = Files.readString(model.resolve("inkstone.json")).strip();
      String scheduler = Files.readString(model.resolve("scheduler/scheduler_config.json"));
      String processor = Files.readString(model.resolve("processor/processor_config.json"));
      config =
          config
              .replaceFirst("\\{", "{\"inkstone\": AREAS, ")
              .replace(
                  "AREAS",
                  areas.substring(0, areas.length() - 1)
                      + ", \"scheduler\": "
                      + scheduler
                      + ", \"processor\": "
                      + processor
                      + "}");
    }
    return config;
  }

  /** The part in several files behind an index. */
  void shard(Path folder, String part, int shards, String stem, String index) throws IOException {
    Files.createDirectories(folder);
    SafetensorsWriter[] writers = new SafetensorsWriter[shards];
    StringBuilder map = new StringBuilder();
    try (TensorArena arena = TensorArena.open("forms")) {
      TensorSource source = Weights.source(arena, model.resolve(part));
      int at = 0;
      for (String name : source.names()) {
        int shard = at++ % shards;
        writers[shard] = writers[shard] == null ? new SafetensorsWriter() : writers[shard];
        asIs(writers[shard], name, source.tensor(name));
        map.append(map.isEmpty() ? "" : ",\n");
        map.append('"').append(name).append("\": \"").append(shard(stem, shard, shards));
        map.append('"');
      }
    }
    for (int i = 0; i < shards; i++) {
      writers[i].write(folder.resolve(shard(stem, i, shards)));
    }
    Files.writeString(folder.resolve(index), "{\"metadata\": {}, \"weight_map\": {" + map + "}}");
  }

  private static String shard(String stem, int i, int shards) {
    return String.format("%s-%05d-of-%05d.safetensors", stem, i + 1, shards);
  }

  /** A copy of the whole folder without weights; {@code name} below the output folder. */
  Path folderWithoutWeights(String name) throws IOException {
    Path copy = out.resolve(name);
    try (Stream<Path> parts = Files.walk(model)) {
      for (Path part : parts.toList()) {
        Path target = copy.resolve(model.relativize(part).toString());
        if (Files.isDirectory(part)) {
          Files.createDirectories(target);
        } else if (!part.toString().contains(".safetensors")) {
          Files.copy(part, target);
        }
      }
    }
    return copy;
  }

  /** Wan's names by diffusers', as the golden has them. */
  static Map<String, String> wanNames() throws IOException {
    Map<String, String> names = new HashMap<>();
    for (Map.Entry<String, Json> entry : Golden.json("wan_vae_names.json").fields().entrySet()) {
      names.put(entry.getValue().asString(), entry.getKey());
    }
    return names;
  }

  /** Nearest number of F8_E4M3, ties to the even code. */
  static byte e4m3(float value) {
    float size = Math.min(Math.abs(value), 448);
    // Codes of positive numbers are in order.
    int low = 0;
    int high = 0x7e;
    while (high - low > 1) {
      int middle = (low + high) / 2;
      if (Float8.e4m3ToFloat((byte) middle) <= size) {
        low = middle;
      } else {
        high = middle;
      }
    }
    float below = size - Float8.e4m3ToFloat((byte) low);
    float above = Float8.e4m3ToFloat((byte) high) - size;
    int best = below < above || below == above && low % 2 == 0 ? low : high;
    return (byte) (value < 0 ? best | 0x80 : best);
  }

  /** The tensor in F8_E4M3, divided by a scale first. */
  static void fp8(SafetensorsWriter writer, String name, Tensor tensor, float scale) {
    float[] values = tensor.toFloatArray();
    byte[] codes = new byte[values.length];
    for (int i = 0; i < values.length; i++) {
      codes[i] = e4m3(values[i] / scale);
    }
    writer.raw(name, DType.F8_E4M3, codes, tensor.shape().toArray());
  }
}
