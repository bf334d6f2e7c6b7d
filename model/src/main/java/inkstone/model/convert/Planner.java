package inkstone.model.convert;

import inkstone.loader.CheckpointException;
import inkstone.loader.TensorSource;
import inkstone.loader.config.ProcessorConfig;
import inkstone.loader.config.TextEncoderConfig;
import inkstone.loader.form.PartKind;
import inkstone.loader.form.PartSource;
import inkstone.loader.json.Json;
import inkstone.loader.write.GgufFields;
import inkstone.loader.write.GgufWriter;
import inkstone.loader.write.SafetensorsWriter;
import inkstone.memory.TensorArena;
import inkstone.tensor.DType;
import inkstone.tensor.Tensor;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/** Decides what goes into each file, before a byte is written. */
final class Planner {
  private final ConvertRequest request;
  private final OutputFormat format;
  private final TensorArena arena;
  private final List<String> notes = new ArrayList<>();
  private final Set<TypeRule> used = new HashSet<>();

  /**
   * @param arena for the few tensors that have to be laid out anew
   */
  Planner(ConvertRequest request, OutputFormat format, TensorArena arena) {
    this.request = request;
    this.format = format;
    this.arena = arena;
  }

  /** What a user should know, after all files were planned. */
  List<String> notes() {
    List<String> all = new ArrayList<>(notes);
    for (TypeRule rule : request.rules()) {
      if (!used.contains(rule)) {
        all.add("no tensor matches the rule " + rule.pattern());
      }
    }
    return all;
  }

  /**
   * The file of one network, or the two of a text encoder with a vision tower in GGUF.
   *
   * @param model whether the output is a model folder, where safetensors lie beside a config.json
   */
  List<NetworkFile> plan(Input input, Path out, boolean model) throws CheckpointException {
    String config = ConfigText.find(input.path(), input.className(), input.source().metadata());
    if (config != null && input.kind() == PartKind.TRANSFORMER) {
      config = PipelineText.add(config, around(input.path()));
    }
    if (format == OutputFormat.SAFETENSORS) {
      return List.of(safetensors(input, out, model ? null : config));
    }
    boolean text = input.kind() == PartKind.TEXT_ENCODER || input.kind() == PartKind.VISION_TOWER;
    if (text && !(input.isLlamaCpp() && input.metadata() != null)) {
      return textEncoder(input, out, model, config);
    }
    Map<String, Tensor> tensors = tensors(input);
    if (marksTimestepZero(input, config)) {
      tensors.put(PartSource.TIMESTEP_ZERO_MARKER, marker());
    }
    return List.of(gguf(input, out, tensors, input.kind(), GgufHeader.of(input), config));
  }

  /** The folder that may be a model's, around the weights of one network. */
  private static Path around(Path weights) {
    Path folder = weights.toAbsolutePath().normalize();
    folder = Files.isDirectory(folder) ? folder : folder.getParent();
    return folder.getParent() == null ? folder : folder.getParent();
  }

  /** ComfyUI tells Qwen-Image-Edit-2511 by this tensor. */
  private static boolean marksTimestepZero(Input input, String config) throws CheckpointException {
    return input.markedTimestepZero()
        || config != null
            && input.kind() == PartKind.TRANSFORMER
            && Json.parse(config, input.name()).flag("zero_cond_t", false);
  }

  private Tensor marker() {
    return Tensor.f32(arena, PartSource.TIMESTEP_ZERO_MARKER, 1);
  }

  private NetworkFile safetensors(Input input, Path out, String config) throws CheckpointException {
    if (input.isLlamaCpp()) {
      throw CheckpointException.of(
          "convert: safetensors, expected the names of transformers, got those of llama.cpp",
          CheckpointException.quote(input.path()),
          "write GGUF, or convert the text_encoder folder of the model");
    }
    Map<String, Tensor> tensors = tensors(input);
    if (input.markedTimestepZero()) {
      tensors.put(PartSource.TIMESTEP_ZERO_MARKER, marker());
    }
    List<Piece> pieces = pieces(input, tensors, input.kind());
    Map<String, String> metadata = new TreeMap<>();
    metadata.put("format", "pt");
    if (config != null) {
      metadata.put(ConfigText.SAFETENSORS_KEY, config);
    }
    pieces.sort(
        Comparator.comparingInt((Piece piece) -> -piece.dtype().blockBytes())
            .thenComparing(Piece::name));
    return new NetworkFile(out, input.className(), pieces, metadata, null);
  }

  private List<NetworkFile> textEncoder(Input input, Path out, boolean model, String config)
      throws CheckpointException {
    if (config == null || input.isLlamaCpp()) {
      throw CheckpointException.of(
          "convert: GGUF, expected a text encoder of transformers with its config.json, got "
              + (config == null ? "none" : "llama.cpp's names in parts or outside GGUF"),
          CheckpointException.quote(input.path()),
          "convert the text_encoder folder of the model");
    }
    TextEncoderConfig parsed = TextEncoderConfig.parse(config, input.path() + ", config");
    Map<String, Tensor> text = new LinkedHashMap<>();
    Map<String, Tensor> vision = new LinkedHashMap<>();
    tensors(input)
        .forEach((name, tensor) -> {
          if (TextGguf.isVision(name)) {
            vision.putAll(TextGguf.vision(arena, name, tensor));
          } else {
            text.put(TextGguf.textName(name), tensor);
          }
        });
    List<NetworkFile> files = new ArrayList<>();
    if (!text.isEmpty()) {
      GgufFields fields = TextGguf.textFields(parsed.text());
      Path tokenizer = TokenizerFields.find(input.path());
      if (tokenizer == null) {
        notes.add(input.name() + ": no tokenizer.json beside it, so the file has no tokenizer");
      } else {
        TokenizerFields.add(fields, tokenizer, parsed.text().vocabSize());
      }
      files.add(gguf(input, out, text, PartKind.TEXT_ENCODER, fields, config));
    }
    if (!vision.isEmpty()) {
      String name = model ? "mmproj.gguf" : "mmproj-" + out.getFileName();
      GgufFields fields = TextGguf.visionFields(parsed.vision(), processor(input.path()));
      Path beside = text.isEmpty() ? out : out.resolveSibling(name);
      files.add(gguf(input, beside, vision, PartKind.VISION_TOWER, fields, null));
    }
    return files;
  }

  private static ProcessorConfig processor(Path weights) throws CheckpointException {
    Path folder = around(weights).resolve("processor");
    return Files.isDirectory(folder) ? ProcessorConfig.read(folder) : ProcessorConfig.QWEN_IMAGE;
  }

  private NetworkFile gguf(
      Input input,
      Path out,
      Map<String, Tensor> tensors,
      PartKind kind,
      GgufFields fields,
      String config)
      throws CheckpointException {
    List<Piece> pieces = pieces(input, tensors, kind);
    GgufHeader.finish(fields, mostly(pieces), config);
    return new NetworkFile(out, input.className(), pieces, Map.of(), fields);
  }

  private static Map<String, Tensor> tensors(Input input) {
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    TensorSource source = input.source();
    source.names().forEach(name -> tensors.put(name, source.tensor(name)));
    return tensors;
  }

  private List<Piece> pieces(Input input, Map<String, Tensor> tensors, PartKind kind)
      throws CheckpointException {
    boolean gguf = format == OutputFormat.GGUF;
    TypeChoice choice = new TypeChoice(request.type(), gguf, kind, request.rules(), used);
    List<Piece> pieces = new ArrayList<>();
    for (Map.Entry<String, Tensor> entry : tensors.entrySet()) {
      String name = entry.getKey();
      Tensor tensor = entry.getValue();
      DType type = choice.choose(name, tensor.dtype(), tensor.shape());
      String where = input.source().where(tensor.name());
      if (gguf ? !GgufWriter.holds(type) : !SafetensorsWriter.holds(type)) {
        throw CheckpointException.of(
            "convert: tensor "
                + CheckpointException.quote(name)
                + ", expected a type of "
                + format.suffix()
                + ", got "
                + TypeNames.of(type),
            where,
            gguf ? "write safetensors" : "write GGUF, or choose bf16, f16 or f32");
      }
      pieces.add(new Piece(name, type, tensor.shape(), tensor, where));
    }
    for (String note : choice.notes()) {
      notes.add(input.name() + ": " + note);
    }
    return pieces;
  }

  /** The type that most elements have. */
  private static DType mostly(List<Piece> pieces) {
    Map<DType, Long> elements = new TreeMap<>();
    pieces.forEach(p -> elements.merge(p.dtype(), p.shape().elements(), Long::sum));
    return elements.entrySet().stream()
        .max(Map.Entry.comparingByValue())
        .map(Map.Entry::getKey)
        .orElse(DType.F32);
  }
}
