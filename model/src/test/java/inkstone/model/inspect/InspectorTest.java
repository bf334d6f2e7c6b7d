package inkstone.model.inspect;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import inkstone.loader.CheckpointException;
import inkstone.loader.Golden;
import inkstone.loader.config.ReferenceMask;
import inkstone.loader.config.TextConfig;
import inkstone.loader.config.TransformerConfig;
import inkstone.loader.config.VaeConfig;
import inkstone.loader.form.PartKind;
import inkstone.loader.gguf.TextNames;
import inkstone.loader.json.Json;
import inkstone.loader.safetensors.SafetensorsWriter;
import inkstone.model.bench.DitShapes;
import inkstone.model.bench.TextShapes;
import inkstone.model.bench.VaeShapes;
import inkstone.model.fuzz.GgufBytes;
import inkstone.tensor.DType;
import inkstone.tensor.Shape;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

class InspectorTest {
  /** One block of one head of 128, as files without a config.json are understood. */
  private static final TransformerConfig SMALL =
      new TransformerConfig(
          2,
          64,
          16,
          1,
          128,
          1,
          8,
          false,
          List.of(16, 56, 56),
          false,
          false,
          false,
          ReferenceMask.NONE);

  /** ggml's number of the type. */
  private static final int BF16 = 30;

  @TempDir Path folder;

  private static Component one(Path path) throws CheckpointException {
    Inspection inspection = Inspector.inspect(path, LoraTarget.PUBLISHED);
    assertThat(inspection.components()).hasSize(1);
    return inspection.components().getFirst();
  }

  /** All tensors of a network in BF16, zeros. */
  private static SafetensorsWriter network(Map<String, long[]> shapes, String prefix) {
    SafetensorsWriter writer = new SafetensorsWriter();
    shapes.forEach((name, dims) -> {
      int bytes = (int) DType.BF16.bytes(Shape.of(dims).elements());
      writer.raw(prefix + name, DType.BF16, new byte[bytes], dims);
    });
    return writer;
  }

  @Test
  void aModelFolderIsWhole() throws Exception {
    Inspection inspection = Inspector.inspect(Golden.path("models/full"), LoraTarget.PUBLISHED);
    assertThat(inspection.className()).isEqualTo("QwenImageEditPlusPipeline");
    assertThat(inspection.problems()).isEmpty();
    assertThat(inspection.components())
        .extracting(Component::name)
        .containsExactlyInAnyOrder("transformer", "text_encoder", "vae");
    for (Component component : inspection.components()) {
      assertThat(component.problems()).as(component.name()).isEmpty();
      assertThat(component.configFrom()).isEqualTo("config.json");
      assertThat(component.fit().missing()).isEmpty();
      assertThat(component.fit().misshapen()).isEmpty();
      assertThat(component.zeroCondT() != null).isEqualTo(component.name().equals("transformer"));
    }
  }

  @Test
  void missingMisshapenAndUnreadTensorsAreNamed() throws Exception {
    Map<String, long[]> shapes = new LinkedHashMap<>(DitShapes.of(SMALL));
    shapes.remove("norm_out.linear.bias");
    shapes.put("txt_norm.weight", new long[] {8, 1});
    shapes.put("txt_in.bias", new long[] {127});
    shapes.put("transformer_blocks.0.surplus", new long[] {1});
    SafetensorsWriter writer =
        network(shapes, "model.diffusion_model.")
            .raw("model.diffusion_model.__index_timestep_zero__", DType.F32, new byte[0], 0)
            .metadata(
                "config",
                "{\"num_layers\": 1, \"num_attention_heads\": 1," + " \"joint_attention_dim\": 8}");
    Component component = one(writer.write(folder.resolve("dit.safetensors")));
    assertThat(component.kinds()).containsExactly(PartKind.TRANSFORMER);
    assertThat(component.naming()).isEqualTo("diffusers, behind model.diffusion_model.");
    assertThat(component.configFrom()).isEqualTo("metadata");
    assertThat(component.config()).containsEntry("num_layers", 1);
    assertThat(component.fit().missing()).containsExactly("norm_out.linear.bias");
    assertThat(component.fit().misshapen())
        .containsExactly(
            "txt_in.bias, expected [128], got [127]", "txt_norm.weight, expected [8], got [8, 1]");
    assertThat(component.fit().unread()).containsExactly("transformer_blocks.0.surplus");
    assertThat(component.zeroCondT().on()).isTrue();
    assertThat(component.zeroCondT().from()).contains("__index_timestep_zero__");
  }

  @Test
  void aFileAloneIsUnderstoodByItsShapes() throws Exception {
    Component component =
        one(network(DitShapes.of(SMALL), "").write(folder.resolve("a.safetensors")));
    assertThat(component.problems()).isEmpty();
    assertThat(component.configFrom()).isEqualTo("shapes");
    assertThat(component.config())
        .containsEntry("num_layers", 1)
        .containsEntry("num_attention_heads", 1)
        .containsEntry("attention_head_dim", 128)
        .containsEntry("joint_attention_dim", 8);
    assertThat(component.fit().missing()).isEmpty();
    assertThat(component.zeroCondT().on()).isFalse();
    assertThat(component.dtypes().get("BF16").tensors()).isEqualTo(component.tensors().size());
    assertThat(component.dtypes().get("BF16").bytes()).isEqualTo(component.bytes());
  }

  @Test
  void scaledWeightsAreCountedApart() throws Exception {
    SafetensorsWriter writer =
        new SafetensorsWriter()
            .raw("a.weight", DType.F8_E4M3, new byte[4], 2, 2)
            .f32("a.scale_weight", new float[] {2})
            .raw("b.weight", DType.F8_E4M3, new byte[4], 2, 2);
    Component component = one(writer.write(folder.resolve("fp8.safetensors")));
    assertThat(component.dtypes().keySet()).containsExactly("F32", "F8_E4M3", "F8_E4M3 scaled");
    assertThat(component.what()).isEqualTo("no part of a Qwen-Image model");
    assertThat(component.fit()).isNull();
  }

  @Test
  void licencesComeFromMetadataAndFromTheReadme() throws Exception {
    Path file =
        new SafetensorsWriter()
            .metadata("modelspec.license", "MIT")
            .f32("a", new float[1])
            .write(folder.resolve("a.safetensors"));
    assertThat(one(file).licence()).isEqualTo(new Licence("MIT", "modelspec.license"));
    Files.writeString(
        folder.resolve("README.md"),
        "---\r\nlanguage: en\r\nlicense: \"apache-2.0\"\r\n---\r\n# license: other\r\n");
    assertThat(Inspector.inspect(folder, LoraTarget.PUBLISHED).licence())
        .isEqualTo(new Licence("apache-2.0", "README.md"));
    Files.writeString(folder.resolve("README.md"), "# A model\nlicense: none\n");
    assertThat(Inspector.inspect(folder, LoraTarget.PUBLISHED).licence()).isNull();
  }

  @Test
  @Timeout(10)
  void aHostileReadmeCostsNothing() throws Exception {
    new SafetensorsWriter().f32("a", new float[1]).write(folder.resolve("a.safetensors"));
    String spaces = " ".repeat(60_000);
    for (String text :
        List.of(
            "---\nlicense:" + spaces + "x\"y\"z\n---\n",
            "---\nlicense:" + spaces + "\"\"\n---\n",
            "---\n" + "---  ".repeat(20_000),
            "\n".repeat(60_000) + "---\nlicense: x\n",
            "---\nlicense: " + "x".repeat(101) + "\n---\n",
            "x".repeat(60_000))) {
      Files.writeString(folder.resolve("README.md"), text);
      assertThat(Inspector.inspect(folder, LoraTarget.PUBLISHED).licence()).isNull();
    }
  }

  private static GgufBytes tensors(GgufBytes gguf, Map<String, long[]> shapes) {
    shapes.forEach((name, dims) -> {
      long[] reversed = new long[dims.length];
      for (int i = 0; i < dims.length; i++) {
        reversed[i] = dims[dims.length - 1 - i];
      }
      int bytes = (int) DType.BF16.bytes(Shape.of(dims).elements());
      gguf.tensor(name, BF16, bytes, reversed);
    });
    return gguf;
  }

  @Test
  void aGgufTransformerSaysLicenceAndZeroCondTInItsMetadata() throws Exception {
    Map<String, long[]> shapes = DitShapes.of(SMALL);
    GgufBytes gguf =
        new GgufBytes(3, shapes.size(), 3)
            .pair("general.architecture", "qwen_image")
            .pair("general.license", "apache-2.0")
            .pair("qwen_image.zero_cond_t", 7, 1, 1);
    Path file = Files.write(folder.resolve("any.bin"), tensors(gguf, shapes).toBytes());
    Component component = one(file);
    assertThat(component.problems()).isEmpty();
    assertThat(component.format()).isEqualTo("GGUF");
    assertThat(component.kinds()).containsExactly(PartKind.TRANSFORMER);
    assertThat(component.licence()).isEqualTo(new Licence("apache-2.0", "general.license"));
    assertThat(component.zeroCondT().on()).isTrue();
    assertThat(component.zeroCondT().from()).contains("qwen_image.zero_cond_t");
    assertThat(component.fit().missing()).isEmpty();
    assertThat(component.fit().misshapen()).isEmpty();
    assertThat(component.fit().unread()).isEmpty();
  }

  @Test
  void aGgufTextModelIsHeldAgainstLlamaNames() throws Exception {
    TextConfig text =
        new TextConfig(
            16, 40, 72, 1, 5, 1, 8, 1e-6f, 1e6, List.of(2, 1, 1), 128, 0, List.of(false));
    Map<String, long[]> shapes = new LinkedHashMap<>();
    TextShapes.decoder(text).forEach((name, dims) -> shapes.put(TextNames.stored(name), dims));
    assertThat(shapes.remove("blk.0.ffn_up.weight")).isNotNull();
    shapes.put("output.weight", new long[] {16, 40});
    GgufBytes gguf =
        new GgufBytes(2, shapes.size(), 8)
            .pair("general.architecture", "qwen2vl")
            .pair("qwen2vl.block_count", 4, 1, 4)
            .pair("qwen2vl.embedding_length", 4, 40, 4)
            .pair("qwen2vl.feed_forward_length", 4, 72, 4)
            .pair("qwen2vl.attention.head_count", 4, 5, 4)
            .pair("qwen2vl.attention.head_count_kv", 4, 1, 4)
            .pair("qwen2vl.attention.layer_norm_rms_epsilon", 6, Float.floatToIntBits(1e-6f), 4)
            .pair("qwen2vl.rope.dimension_sections", 5, new int[] {2, 1, 1, 0});
    Component component =
        one(Files.write(folder.resolve("llm.gguf"), tensors(gguf, shapes).toBytes()));
    assertThat(component.problems()).isEmpty();
    assertThat(component.kinds()).containsExactly(PartKind.TEXT_ENCODER);
    assertThat(component.naming()).isEqualTo("llama.cpp");
    assertThat(component.configFrom()).isEqualTo("metadata");
    assertThat(component.config()).containsEntry("num_attention_heads", 5);
    assertThat(component.fit().missing()).containsExactly("blk.0.ffn_up.weight");
    assertThat(component.fit().misshapen()).isEmpty();
    assertThat(component.fit().unread()).containsExactly("output.weight");
  }

  @Test
  void aVaeInWansNamesIsWhole() throws Exception {
    VaeConfig standard = VaeConfig.QWEN_IMAGE;
    VaeConfig narrow =
        new VaeConfig(
            4,
            standard.zDim(),
            standard.dimMult(),
            standard.numResBlocks(),
            standard.attnScales(),
            standard.temperalDownsample(),
            standard.inputChannels(),
            standard.latentsMean(),
            standard.latentsStd());
    Map<String, long[]> shapes = new LinkedHashMap<>(VaeShapes.encoder(narrow, 64).shapes());
    shapes.putAll(VaeShapes.decoder(narrow, 64).shapes());
    Map<String, long[]> wan = new LinkedHashMap<>();
    for (Map.Entry<String, Json> name : Golden.json("wan_vae_names.json").fields().entrySet()) {
      if (shapes.containsKey(name.getValue().asString())) {
        wan.put(name.getKey(), shapes.get(name.getValue().asString()));
      }
    }
    assertThat(wan).hasSameSizeAs(shapes);
    Component component = one(network(wan, "").write(folder.resolve("vae.safetensors")));
    assertThat(component.kinds()).containsExactly(PartKind.VAE);
    assertThat(component.naming()).isEqualTo("Wan");
    assertThat(component.config()).containsEntry("base_dim", 4).containsEntry("z_dim", 16);
    assertThat(component.fit().missing()).isEmpty();
    assertThat(component.fit().misshapen()).isEmpty();
    assertThat(component.fit().unread()).isEmpty();
  }

  @Test
  void aLoraIsHeldAgainstTheModel() throws Exception {
    String block = "transformer.transformer_blocks.%d.attn.to_q.lora_%s.weight";
    Path file =
        new SafetensorsWriter()
            .bf16(block.formatted(0, "A"), new float[2 * 128], 2, 128)
            .bf16(block.formatted(0, "B"), new float[128 * 2], 128, 2)
            .bf16(block.formatted(7, "A"), new float[2 * 128], 2, 128)
            .bf16(block.formatted(7, "B"), new float[128 * 2], 128, 2)
            .f32("note", new float[1])
            .write(folder.resolve("lora.safetensors"));
    Path model = network(DitShapes.of(SMALL), "").write(folder.resolve("dit.safetensors"));
    Component fits = Inspector.inspect(file, LoraTarget.of(model)).components().getFirst();
    assertThat(fits.kinds()).containsExactly(PartKind.LORA);
    assertThat(fits.naming()).isEqualTo("lora_A/lora_B, with transformer.");
    assertThat(fits.lora().matched()).containsExactly("transformer_blocks.0.attn.to_q");
    assertThat(fits.lora().unmatched())
        .singleElement()
        .asString()
        .contains("transformer_blocks.7.attn.to_q");
    assertThat(fits.lora().unused()).containsExactly("note");
    assertThat(fits.lora().refused()).isNull();

    LoraFit published = one(file).lora();
    assertThat(published.against()).contains("60 blocks");
    assertThat(published.matched()).hasSize(2);
    assertThat(published.refused()).contains("3072");
    assertThatThrownBy(() -> LoraTarget.of(file))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("got a LoRA");
  }

  @Test
  void whatIsLeftOfABrokenDownloadIsShown() throws Exception {
    new SafetensorsWriter()
        .f32("a", new float[1])
        .write(folder.resolve("m-00002-of-00003.safetensors"));
    Files.writeString(folder.resolve("m-00003-of-00003.safetensors.part"), "x");
    Inspection inspection = Inspector.inspect(folder, LoraTarget.PUBLISHED);
    assertThat(inspection.problems())
        .anyMatch(problem -> problem.contains("[1, 3]"))
        .anyMatch(problem -> problem.contains("m-00003-of-00003.safetensors.part"));
  }

  @Test
  void filesOfTheirOwnInOneFolderStayApart() throws Exception {
    network(DitShapes.of(SMALL), "").write(folder.resolve("dit.safetensors"));
    new SafetensorsWriter().f32("a", new float[1]).write(folder.resolve("other.safetensors"));
    assertThat(Inspector.inspect(folder, LoraTarget.PUBLISHED).components())
        .extracting(Component::name)
        .containsExactly("dit", "other");
  }

  @Test
  void fortyGigabytesTakeLessThanASecond() throws Exception {
    Path file = sparse(DitShapes.of(TransformerConfig.QWEN_IMAGE));
    assertThat(Files.size(file)).isGreaterThan(40_000_000_000L);
    long best = Long.MAX_VALUE;
    for (int i = 0; i < 3; i++) {
      long start = System.nanoTime();
      Component component = one(file);
      best = Math.min(best, System.nanoTime() - start);
      assertThat(component.fit().missing()).isEmpty();
      assertThat(component.config()).containsEntry("num_layers", 60);
    }
    assertThat(best).as("nanoseconds").isLessThan(1_000_000_000L);
  }

  /** A checkpoint of BF16 zeros that takes no space on disk. */
  private Path sparse(Map<String, long[]> shapes) throws IOException {
    StringBuilder json = new StringBuilder("{");
    long at = 0;
    for (Map.Entry<String, long[]> entry : shapes.entrySet()) {
      long end = at + DType.BF16.bytes(Shape.of(entry.getValue()).elements());
      json.append(json.length() > 1 ? "," : "")
          .append('"')
          .append(entry.getKey())
          .append("\":{\"dtype\":\"BF16\",\"shape\":")
          .append(Arrays.toString(entry.getValue()))
          .append(",\"data_offsets\":[" + at + "," + end + "]}");
      at = end;
    }
    byte[] header = json.append('}').toString().getBytes(StandardCharsets.UTF_8);
    Path file = folder.resolve("sparse.safetensors");
    try (FileChannel channel =
        FileChannel.open(
            file,
            StandardOpenOption.CREATE_NEW,
            StandardOpenOption.WRITE,
            StandardOpenOption.SPARSE)) {
      ByteBuffer length = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN);
      channel.write(length.putLong(header.length).flip());
      channel.write(ByteBuffer.wrap(header));
      channel.write(ByteBuffer.allocate(1), 8 + header.length + at - 1);
    }
    return file;
  }
}
