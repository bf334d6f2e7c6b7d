package inkstone.model.convert;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import inkstone.loader.CheckpointException;
import inkstone.loader.Golden;
import inkstone.loader.TensorSource;
import inkstone.loader.Weights;
import inkstone.loader.config.InkstoneConfig;
import inkstone.loader.config.PipelineConfig;
import inkstone.loader.config.ProcessorConfig;
import inkstone.loader.config.SchedulerConfig;
import inkstone.loader.config.TextEncoderConfig;
import inkstone.loader.config.TransformerConfig;
import inkstone.loader.gguf.GgufConfigs;
import inkstone.loader.gguf.GgufFile;
import inkstone.loader.safetensors.SafetensorsFile;
import inkstone.loader.write.OutputException;
import inkstone.loader.write.SafetensorsWriter;
import inkstone.loader.write.TensorSpec;
import inkstone.loader.write.TensorWriter;
import inkstone.memory.TensorArena;
import inkstone.number.BFloat16;
import inkstone.number.GgufQuantizer;
import inkstone.tensor.DType;
import inkstone.tensor.Shape;
import inkstone.tensor.Tensor;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CancellationException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Conversions of the embedded model, read back. */
final class ConverterTest {
  private static final Path MODEL = Golden.tinyModel();
  private static final Path TRANSFORMER = MODEL.resolve("transformer");

  @TempDir Path folder;

  private static ConvertRequest request(Path in, Path out, DType type, String... rules) {
    List<TypeRule> parsed = Stream.of(rules).map(TypeRule::parse).toList();
    return new ConvertRequest(in, out, type, null, parsed, 2, false);
  }

  private static ConvertReport convert(ConvertRequest request) throws IOException {
    return Converter.convert(request, (_, _, _, _, _, _, _, _) -> {}, () -> false);
  }

  @Test
  void ggufHoldsWhatTheQuantiserMakes() throws Exception {
    Path out = folder.resolve("t.gguf");
    ConvertReport report = convert(request(TRANSFORMER, out, DType.Q4_K));

    try (TensorArena arena = TensorArena.open("test")) {
      TensorSource source = Weights.source(arena, TRANSFORMER);
      GgufFile file = GgufFile.open(arena, out);
      Set<String> names = new TreeSet<>(source.names());
      names.add("__index_timestep_zero__");
      assertThat(file.names()).isEqualTo(names);
      assertThat(file.typed().architecture()).isEqualTo("qwen_image");
      assertThat(file.typed().whole("general.quantization_version", 0, 9)).isEqualTo(2);
      String config = file.typed().string("inkstone.config");
      assertThat(TransformerConfig.parse(config, "test"))
          .isEqualTo(TransformerConfig.read(TRANSFORMER));
      for (String name : source.names()) {
        Tensor written = file.tensor(name);
        float[] values = source.tensor(name).toFloatArray();
        assertThat(written.shape()).isEqualTo(source.tensor(name).shape());
        switch (written.dtype()) {
          case F32 -> assertThat(written.toFloatArray()).containsExactly(values);
          case Q8_0 -> requireBytes(written, GgufQuantizer.q8(), values);
          case Q4_K -> requireBytes(written, GgufQuantizer.q4k(), values);
          default -> throw new AssertionError(written);
        }
      }
      assertThat(file.tensor("proj_out.weight").dtype()).isEqualTo(DType.Q8_0);
      assertThat(file.tensor("img_in.weight").dtype()).isEqualTo(DType.Q8_0);
      assertThat(file.tensor("transformer_blocks.0.img_mod.1.weight").dtype())
          .isEqualTo(DType.Q8_0);
      assertThat(file.tensor("transformer_blocks.0.attn.to_q.weight").dtype())
          .isEqualTo(DType.Q4_K);
      assertThat(file.tensor("transformer_blocks.0.attn.norm_q.weight").dtype())
          .isEqualTo(DType.F32);
      assertThat(report.types().keySet()).containsExactly(DType.F32, DType.Q8_0, DType.Q4_K);
      assertThat(report.bytesBefore()).isGreaterThan(2 * report.bytesAfter());
      assertThat(report.files()).hasSize(1);
      assertThat(report.files().getFirst().bytes()).isEqualTo(Files.size(out));
    }
  }

  private static void requireBytes(Tensor written, GgufQuantizer quantizer, float[] values) {
    int blocks = values.length / quantizer.elements();
    byte[] bytes = new byte[blocks * quantizer.bytes()];
    quantizer.quantize(values, 0, bytes, 0, blocks);
    assertThat(written.segment().toArray(ValueLayout.JAVA_BYTE)).as("%s", written).isEqualTo(bytes);
  }

  @Test
  void sameInputSameBytesForAnyThreadCount() throws Exception {
    Path one = folder.resolve("one.gguf");
    Path three = folder.resolve("three.gguf");
    convert(new ConvertRequest(TRANSFORMER, one, DType.Q5_K, null, List.of(), 1, false));
    convert(new ConvertRequest(TRANSFORMER, three, DType.Q5_K, null, List.of(), 3, false));
    assertThat(three).hasSameBinaryContentAs(one);
    // Blocks of the same type are passed on as they are.
    Path again = folder.resolve("again.gguf");
    convert(request(one, again, DType.Q5_K));
    assertThat(again).hasSameBinaryContentAs(one);
  }

  @Test
  void rulesOfTheUserComeFirst() throws Exception {
    Path out = folder.resolve("t.gguf");
    ConvertReport report =
        convert(
            request(
                TRANSFORMER,
                out,
                DType.Q4_0,
                "*.attn.to_?.weight=q6_k",
                "proj_out.*=bf16",
                "*.attn.*=f32",
                "nothing*=f16"));
    try (TensorArena arena = TensorArena.open("test")) {
      GgufFile file = GgufFile.open(arena, out);
      assertThat(file.tensor("transformer_blocks.1.attn.to_k.weight").dtype())
          .isEqualTo(DType.Q6_K);
      assertThat(file.tensor("transformer_blocks.1.attn.add_k_proj.weight").dtype())
          .isEqualTo(DType.F32);
      assertThat(file.tensor("proj_out.weight").dtype()).isEqualTo(DType.BF16);
      assertThat(file.tensor("proj_out.bias").dtype()).isEqualTo(DType.BF16);
      assertThat(file.tensor("transformer_blocks.1.img_mlp.net.2.weight").dtype())
          .isEqualTo(DType.Q4_0);
    }
    assertThat(report.notes()).containsExactly("no tensor matches the rule nothing*");
    assertThatThrownBy(() -> TypeRule.parse("a=q3_k"))
        .hasMessageContaining("expected PATTERN=TYPE")
        .hasMessageContaining("\"a=q3_k\"");
  }

  @Test
  void theTextEncoderBecomesTheFilesOfLlamaCpp() throws Exception {
    Path out = folder.resolve("text.gguf");
    ConvertReport report = convert(request(MODEL.resolve("text_encoder"), out, DType.Q4_0));
    assertThat(report.files()).hasSize(2);
    try (TensorArena arena = TensorArena.open("test")) {
      TensorSource source = Weights.source(arena, MODEL.resolve("text_encoder"));
      GgufFile text = GgufFile.open(arena, out);
      GgufFile vision = GgufFile.open(arena, folder.resolve("mmproj-text.gguf"));
      TextEncoderConfig config = TextEncoderConfig.read(MODEL);
      assertThat(GgufConfigs.textEncoder(text.typed(), text, vision.typed(), vision).toString())
          .isEqualTo(config.toString().replaceAll("tokensPerSecond=\\d+", "tokensPerSecond=4"));
      assertThat(GgufConfigs.processor(vision.typed()).imageStd()).hasSize(3);
      assertThat(text.tensor("token_embd.weight").dtype()).isEqualTo(DType.Q8_0);
      assertThat(text.tensor("blk.1.attn_q.weight").dtype()).isEqualTo(DType.Q4_0);
      assertThat(text.tensor("blk.1.attn_q.bias").dtype()).isEqualTo(DType.F32);
      assertThat(vision.tensor("v.patch_embd.weight.1").dtype()).isEqualTo(DType.F32);
      assertThat(text.names().size() + vision.names().size())
          .isEqualTo(source.names().size() + 1 + 2 * 2 * config.vision().depth());
      assertThat(text.names()).noneMatch(name -> name.startsWith("model."));
      assertThat(vision.names()).noneMatch(name -> name.contains("visual"));
      assertThat(text.typed().strings("tokenizer.ggml.tokens", 10_000).size())
          .isEqualTo(config.text().vocabSize());
      // From GGUF on, everything that is said goes along.
      for (GgufFile file : List.of(text, vision)) {
        Path again = folder.resolve("again-" + file.file().getFileName());
        convert(request(file.file(), again, DType.F16));
        GgufFile read = GgufFile.open(arena, again);
        assertThat(read.names()).isEqualTo(file.names());
        assertThat(read.typed().keys()).isEqualTo(file.typed().keys());
        for (String key : file.typed().keys()) {
          if (!key.equals("general.file_type")) {
            assertThat(read.typed().stored(key)).as(key).isEqualTo(file.typed().stored(key));
          }
        }
      }
      assertThatThrownBy(() -> convert(request(out, folder.resolve("a.safetensors"), DType.F16)))
          .hasMessageContaining("got those of llama.cpp");
    }
  }

  @Test
  void rowsThatFitNoBlockGetAnotherType() throws Exception {
    Path out = folder.resolve("v.gguf");
    ConvertReport report = convert(request(MODEL.resolve("vae"), out, DType.Q4_K));
    try (TensorArena arena = TensorArena.open("test")) {
      TensorSource source = Weights.source(arena, MODEL.resolve("vae"));
      GgufFile file = GgufFile.open(arena, out);
      for (String name : source.names()) {
        Tensor read = file.tensor(name);
        assertThat(read.shape()).isEqualTo(source.tensor(name).shape());
        assertThat(read.dtype()).isNotEqualTo(DType.Q4_K);
      }
    }
    assertThat(report.notes()).hasSize(4);
    assertThat(report.notes().getFirst()).contains("no whole blocks of q4_k");
    assertThat(report.notes().getLast()).contains("more tensors have another type");
  }

  @Test
  void aWholeModelBecomesAWholeModel() throws Exception {
    Path out = folder.resolve("model");
    ConvertReport report = convert(request(MODEL, out, DType.F16));

    assertThat(tree(out)).isEqualTo(tree(MODEL));
    assertThat(report.files()).hasSize(3);
    try (TensorArena arena = TensorArena.open("test")) {
      for (String part : List.of("transformer", "text_encoder", "vae")) {
        TensorSource before = Weights.source(arena, MODEL.resolve(part));
        TensorSource after = Weights.source(arena, out.resolve(part));
        assertThat(after.names()).isEqualTo(before.names());
        for (String name : before.names()) {
          Tensor tensor = after.tensor(name);
          assertThat(tensor.dtype()).isEqualTo(DType.F16);
          Tensor wide = before.tensor(name);
          for (long i = 0; i < Math.min(100, tensor.elements()); i++) {
            short rounded = Float.floatToFloat16(wide.getFloat(i));
            assertThat(tensor.getFloat(i)).isEqualTo(Float.float16ToFloat(rounded));
          }
        }
      }
    }
    assertThat(out.resolve("tokenizer/merges.txt"))
        .hasSameBinaryContentAs(MODEL.resolve("tokenizer/merges.txt"));
  }

  private static List<String> tree(Path root) throws IOException {
    try (Stream<Path> files = Files.walk(root)) {
      return files.map(file -> root.relativize(file).toString()).sorted().toList();
    }
  }

  @Test
  void cancelLeavesNothing() throws Exception {
    AtomicInteger looks = new AtomicInteger();
    for (Path out : List.of(folder.resolve("model"), folder.resolve("t.gguf"))) {
      looks.set(0);
      Path in = out.endsWith("model") ? MODEL : TRANSFORMER;
      assertThatThrownBy(() ->
              Converter.convert(
                  request(in, out, DType.F16),
                  (_, _, _, _, _, _, _, _) -> {},
                  () -> looks.incrementAndGet() > 60))
          .isInstanceOf(CancellationException.class);
      assertThat(looks).hasValueGreaterThan(60);
      assertThat(tree(folder)).containsExactly("");
    }
  }

  @Test
  void numbersThatNoTypeHoldsAreRefusedByName() throws Exception {
    Path bad = safetensors("bad.safetensors", "some.weight", 1, Float.NaN, 3, 4);
    Path large = safetensors("large.safetensors", "some.weight", 1, 70_000, 3, 4);
    Path out = folder.resolve("out.safetensors");
    for (DType type : List.of(DType.F32, DType.BF16, DType.F16)) {
      assertThatThrownBy(() -> convert(request(bad, out, type)))
          .isInstanceOf(CheckpointException.class)
          .hasMessageContaining("\"some.weight\"")
          .hasMessageContaining("NaN")
          .hasMessageContaining("bad.safetensors");
    }
    assertThatThrownBy(() -> convert(request(large, out, DType.F16)))
        .hasMessageContaining("70000.0 exceeds f16")
        .hasMessageContaining("--rules 'some.weight=f32'");
    assertThat(tree(folder)).containsExactly("", "bad.safetensors", "large.safetensors");
  }

  private Path safetensors(String file, String name, float... values) throws IOException {
    Path path = folder.resolve(file);
    TensorSpec spec = new TensorSpec(name, DType.F32, Shape.of(values.length));
    try (TensorWriter writer = SafetensorsWriter.open(path, List.of(spec), Map.of(), false)) {
      writer.write(bytes(values));
      writer.commit();
    }
    return path;
  }

  private static MemorySegment bytes(float... values) {
    ByteBuffer bytes = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asFloatBuffer().put(values);
    return MemorySegment.ofArray(bytes.array());
  }

  @Test
  void scaledFloat8IsMultipliedOut() throws Exception {
    Path in = folder.resolve("comfy.safetensors");
    String base = "model.diffusion_model.transformer_blocks.0.attn.";
    List<TensorSpec> specs =
        List.of(
            new TensorSpec(base + "norm_added_q.weight", DType.F32, Shape.of(2)),
            new TensorSpec(base + "to_q.scale_weight", DType.F32, Shape.of()),
            new TensorSpec(base + "to_q.weight", DType.F8_E4M3, Shape.of(1, 4)));
    try (TensorWriter writer = SafetensorsWriter.open(in, specs, Map.of(), false)) {
      writer.write(bytes(1, 2));
      writer.write(bytes(0.3f));
      writer.write(MemorySegment.ofArray(new byte[] {0x38, 0x40, (byte) 0xb8, 0}));
      writer.commit();
    }
    Path out = folder.resolve("plain.safetensors");
    convert(request(in, out, DType.BF16));
    try (TensorArena arena = TensorArena.open("test")) {
      SafetensorsFile file = SafetensorsFile.open(arena, out);
      assertThat(file.names())
          .containsExactly(
              "transformer_blocks.0.attn.norm_added_q.weight",
              "transformer_blocks.0.attn.to_q.weight");
      float scale = BFloat16.toFloat(BFloat16.fromFloat(0.3f));
      assertThat(file.tensor("transformer_blocks.0.attn.to_q.weight").toFloatArray())
          .containsExactly(scale, 2 * scale, -scale, 0);
    }
  }

  @Test
  void configTravelsWithASingleFile() throws Exception {
    Path out = folder.resolve("t.safetensors");
    convert(request(TRANSFORMER, out, DType.BF16));
    Path again = folder.resolve("t.gguf");
    convert(request(out, again, DType.Q8_0));
    try (TensorArena arena = TensorArena.open("test")) {
      String first = SafetensorsFile.open(arena, out).metadata().get("config");
      assertThat(TransformerConfig.parse(first, "test"))
          .isEqualTo(TransformerConfig.read(TRANSFORMER));
      PipelineConfig pipeline = PipelineConfig.parse(first, "test");
      assertThat(pipeline.pipeline()).isEqualTo("QwenImageEditPlusPipeline");
      assertThat(pipeline.areas()).isEqualTo(InkstoneConfig.read(MODEL));
      assertThat(pipeline.scheduler()).isEqualTo(SchedulerConfig.read(MODEL.resolve("scheduler")));
      assertThat(pipeline.processor()).isEqualTo(ProcessorConfig.read(MODEL.resolve("processor")));
      assertThat(GgufFile.open(arena, again).typed().string("inkstone.config")).isEqualTo(first);
    }
  }

  @Test
  void existingOutputsAndNamesThatDoNotFitAreRefused() throws Exception {
    Path there = Files.writeString(folder.resolve("there.gguf"), "mine");
    Path full = Files.createDirectory(folder.resolve("full"));
    Files.writeString(full.resolve("a.txt"), "mine");
    assertThatThrownBy(() -> convert(request(TRANSFORMER, there, DType.Q8_0)))
        .isInstanceOf(OutputException.class)
        .hasMessageContaining("is there already");
    assertThatThrownBy(() -> convert(request(MODEL, full, DType.BF16)))
        .isInstanceOf(OutputException.class)
        .hasMessageContaining("not empty");
    assertThatThrownBy(() -> convert(request(MODEL, folder.resolve("m.gguf"), DType.BF16)))
        .hasMessageContaining("expected a folder");
    assertThatThrownBy(() -> convert(request(TRANSFORMER, folder.resolve("m"), DType.BF16)))
        .hasMessageContaining("--format");
    assertThatThrownBy(
            () -> convert(request(TRANSFORMER, folder.resolve("a.safetensors"), DType.Q8_0)))
        .hasMessageContaining("write GGUF");
    assertThatThrownBy(() -> convert(request(MODEL, MODEL, DType.BF16)))
        .hasMessageContaining("it is the input");
    assertThat(there).hasContent("mine");

    convert(new ConvertRequest(TRANSFORMER, there, DType.Q8_0, null, List.of(), 2, true));
    assertThat(Files.size(there)).isGreaterThan(1_000_000);
    assertThat(tree(folder)).containsExactly("", "full", "full/a.txt", "there.gguf");
  }
}
