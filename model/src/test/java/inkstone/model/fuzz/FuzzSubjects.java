package inkstone.model.fuzz;

import inkstone.loader.Golden;
import inkstone.loader.Weights;
import inkstone.loader.config.GenerationConfig;
import inkstone.loader.config.InkstoneConfig;
import inkstone.loader.config.ModelIndex;
import inkstone.loader.config.ProcessorConfig;
import inkstone.loader.config.SchedulerConfig;
import inkstone.loader.config.TextEncoderConfig;
import inkstone.loader.config.TokenizerConfig;
import inkstone.loader.config.TransformerConfig;
import inkstone.loader.config.VaeConfig;
import inkstone.loader.json.Json;
import inkstone.loader.safetensors.SafetensorsWriter;
import inkstone.memory.TensorArena;
import inkstone.model.inspect.Component;
import inkstone.model.inspect.Inspection;
import inkstone.model.inspect.Inspector;
import inkstone.model.inspect.LoraTarget;
import inkstone.model.pipeline.EngineOptions;
import inkstone.model.pipeline.Inkstone;
import inkstone.model.text.QwenTokenizer;
import inkstone.tensor.DType;
import inkstone.tensor.Tensor;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.stream.Stream;

/** One valid file of each kind that a user can hand in, each in a folder of its own. */
final class FuzzSubjects {
  private static final Path MODEL = Golden.path("models/full");

  private final Path root;
  private final List<FuzzSubject> subjects = new ArrayList<>();

  private FuzzSubjects(Path root) {
    this.root = root;
  }

  /** Writes the valid files below {@code root}. */
  static List<FuzzSubject> in(Path root) throws IOException {
    FuzzSubjects all = new FuzzSubjects(root);
    all.safetensors();
    all.sharded();
    all.inspected();
    all.configs();
    all.tokenizers();
    all.subjects.addAll(GgufSubjects.in(root, MODEL));
    all.wholeModel();
    List<FuzzSubject> adapters = AdapterSubjects.in(root.resolve("lora"));
    all.subjects.addAll(adapters);
    all.subjects.addAll(adapters);
    return all.subjects;
  }

  private interface Reader {
    Object read(Path path) throws IOException;
  }

  /** With a share of {@code weight} in the mutants. */
  private void add(String kind, Path file, int weight, Mutator mutator, FuzzSubject.Target target)
      throws IOException {
    FuzzSubject subject = new FuzzSubject(kind, file, mutator, target);
    subjects.addAll(Collections.nCopies(weight, subject));
  }

  private Path write(String name, byte[] bytes) throws IOException {
    Path file = root.resolve(name);
    Files.createDirectories(file.getParent());
    return Files.write(file, bytes);
  }

  private Path copy(String folder, String name) throws IOException {
    Path from = MODEL.resolve(name);
    return write(folder + "/" + from.getFileName(), Files.readAllBytes(from));
  }

  private static JsonMutations json(Path file) throws IOException {
    return JsonMutations.of(Files.readString(file));
  }

  /** First and last element of every tensor: their ranges lie inside the mapped file. */
  static void touch(TensorArena arena, Path path) throws IOException {
    Weights weights = Weights.open(arena, path);
    for (String name : weights.names()) {
      Tensor tensor = weights.read(name);
      if (tensor.elements() > 0) {
        tensor.getFloat(0);
        tensor.getFloat(tensor.elements() - 1);
      }
      check(tensor.elements() >= 0 && !weights.where(name).isEmpty());
    }
    inspect(path);
  }

  private static void check(boolean holds) {
    if (!holds) {
      throw new AssertionError("a tensor with a negative size or without a place");
    }
  }

  private void safetensors() throws IOException {
    byte[] valid =
        new SafetensorsWriter()
            .metadata("format", "pt")
            .metadata("modelspec.architecture", "qwen-image")
            .f32("a.weight", new float[] {1, 2, 3, 4, 5, 6}, 2, 3)
            .bf16("b", new float[] {1, 2}, 2)
            .f16("c.bias", new float[] {1, 2, 3}, 3)
            .raw("d.weight", DType.F8_E4M3, new byte[] {1, 2, 3, 4}, 2, 2)
            .raw("e.weight", DType.F8_E5M2, new byte[] {1, 2, 3, 4}, 4, 1)
            .raw("empty", DType.I8, new byte[0], 0, 7)
            .raw("flag", DType.BOOL, new byte[] {1}, 1)
            .i64("scalar", new long[] {42})
            .toBytes();
    Path file = write("safetensors/model.safetensors", valid);
    add("safetensors", file, 4, new SafetensorsMutations(valid), arena -> touch(arena, file));
  }

  private void sharded() throws IOException {
    byte[] first = new SafetensorsWriter().f32("a", new float[] {1, 2}, 2).toBytes();
    byte[] second = new SafetensorsWriter().bf16("b.0.weight", new float[] {1}, 1).toBytes();
    String index =
        """
        {"metadata": {"total_size": 10},
         "weight_map": {"a": "m-00001-of-00002.safetensors",
                        "b.0.weight": "m-00002-of-00002.safetensors"}}
        """;
    write("sharded/m-00001-of-00002.safetensors", first);
    Path shard = write("sharded/m-00002-of-00002.safetensors", second);
    Path file = write("sharded/m.safetensors.index.json", index.getBytes(StandardCharsets.UTF_8));
    add("sharded index", file, 2, json(file), arena -> touch(arena, file));
    add("shard", shard, 1, new SafetensorsMutations(second), arena -> touch(arena, file));
  }

  /** What inspect reads of weights that it knows, without the config.json beside them. */
  private void inspected() throws IOException {
    for (String name :
        List.of(
            "transformer/diffusion_pytorch_model-00001-of-00003.safetensors",
            "text_encoder/model.safetensors",
            "vae/diffusion_pytorch_model.safetensors")) {
      Path file = copy("inspect-" + name.substring(0, name.indexOf('/')), name);
      Mutator mutator = new SafetensorsMutations(Files.readAllBytes(file));
      add(
          "inspect: " + name.substring(0, name.indexOf('/')),
          file,
          1,
          mutator,
          arena -> inspect(file));
    }
  }

  /** Inspects, and looks at what that gives. */
  static void inspect(Path path) throws IOException {
    Inspection inspection = Inspector.inspect(path, LoraTarget.PUBLISHED);
    for (Component component : inspection.components()) {
      check(component.bytes() >= 0);
      check(!component.className().isEmpty() && component.dtypes() != null);
    }
  }

  private void configs() throws IOException {
    config("transformer/config.json", TransformerConfig::read);
    config("text_encoder/config.json", TextEncoderConfig::read);
    config("vae/config.json", VaeConfig::read);
    config("scheduler/scheduler_config.json", SchedulerConfig::read);
    config("processor/processor_config.json", ProcessorConfig::read);
    config("tokenizer/tokenizer_config.json", TokenizerConfig::read);
    config("inkstone.json", InkstoneConfig::read);
    config("model_index.json", ModelIndex::read);
    Path generation =
        write(
            "configs/generation_config.json",
            "{\"eos_token_id\": [151645, 151643], \"do_sample\": true, \"top_k\": 1}"
                .getBytes(StandardCharsets.UTF_8));
    add(
        "generation_config.json",
        generation,
        1,
        json(generation),
        a -> GenerationConfig.read(generation));
  }

  private void config(String name, Reader reader) throws IOException {
    Path file = copy("configs/" + name.replace('/', '-'), name);
    add(name, file, 1, json(file), arena -> reader.read(file));
  }

  private void tokenizers() throws IOException {
    Path whole = copy("tokenizer", "tokenizer/tokenizer.json");
    Path beside = copy("tokenizer", "tokenizer/tokenizer_config.json");
    add("tokenizer.json", whole, 2, json(whole), arena -> encode(whole.getParent()));
    add("tokenizer.json's config", beside, 1, json(beside), arena -> encode(whole.getParent()));
    Path vocab = copy("vocab", "tokenizer/vocab.json");
    Path merges = copy("vocab", "tokenizer/merges.txt");
    Path config = copy("vocab", "tokenizer/tokenizer_config.json");
    Path added = write("vocab/added_tokens.json", addedTokens().getBytes(StandardCharsets.UTF_8));
    add("added_tokens.json", added, 1, json(added), arena -> encode(vocab.getParent()));
    Mutator lines = LineMutations.of(Files.readString(merges));
    add("vocab.json", vocab, 1, json(vocab), arena -> encode(vocab.getParent()));
    add("merges.txt", merges, 1, lines, arena -> encode(vocab.getParent()));
    add("vocab.json's config", config, 1, json(config), arena -> encode(vocab.getParent()));
  }

  /** Ids of the added tokens as transformers writes them beside vocab.json. */
  private static String addedTokens() throws IOException {
    StringBuilder ids = new StringBuilder();
    for (Json token :
        Json.read(MODEL.resolve("tokenizer/tokenizer.json")).get("added_tokens").items()) {
      ids.append(ids.isEmpty() ? "{" : ", ")
          .append('"' + token.get("content").asString() + "\": " + token.get("id").asInt());
    }
    return ids.append('}').toString();
  }

  private static void encode(Path folder) throws IOException {
    use(QwenTokenizer.read(folder));
  }

  /** Encodes and decodes. */
  static void use(QwenTokenizer tokenizer) {
    int[] ids = tokenizer.encode("<|im_start|>user\nMake the red circle blüe 12.<|im_end|>");
    tokenizer.decode(ids);
    check(tokenizer.vocabSize() > 0);
  }

  /** The engine over a model whose parts are changed one at a time: shapes no longer fit, say. */
  private void wholeModel() throws IOException {
    Path folder = root.resolve("model");
    List<Path> parts;
    try (Stream<Path> found = Files.walk(MODEL)) {
      parts = found.filter(Files::isRegularFile).sorted().toList();
    }
    for (Path part : parts) {
      write("model/" + MODEL.relativize(part), Files.readAllBytes(part));
    }
    FuzzSubject.Target open = arena -> Inkstone.open(folder, new EngineOptions(1)).close();
    for (String name :
        List.of(
            "model_index.json",
            "inkstone.json",
            "transformer/config.json",
            "text_encoder/config.json",
            "vae/config.json",
            "scheduler/scheduler_config.json",
            "processor/processor_config.json")) {
      Path file = folder.resolve(name);
      add("engine: " + name, file, 1, json(file), open);
    }
    Path vae = folder.resolve("vae/diffusion_pytorch_model.safetensors");
    add("engine: vae", vae, 1, new SafetensorsMutations(Files.readAllBytes(vae)), open);
  }
}
