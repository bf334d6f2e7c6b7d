package inkstone.model.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import inkstone.loader.CheckpointException;
import inkstone.loader.Golden;
import inkstone.loader.safetensors.SafetensorsWriter;
import inkstone.model.image.Image;
import inkstone.number.Float8;
import inkstone.tensor.DType;
import inkstone.tensor.Tensor;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The same weights give the same bits of the picture, whatever files they are in. */
final class ModelFormsTest {
  private static final Path MODEL = Golden.tinyModel();
  private static final EditRequest EDIT =
      EditRequest.of("Make it blue.", List.of(gradient(48, 64)), Sampling.of(2, 5));

  @TempDir private static Path shared;
  private static ModelForms forms;
  private static Path plainTransformer;
  private static Path text;
  private static Path wanVae;
  private static Image expected;

  @TempDir private Path temporary;

  @BeforeAll
  static void write() throws IOException {
    forms = new ModelForms(MODEL, shared);
    plainTransformer = forms.file("diffusion.safetensors", "transformer", name -> name);
    text = forms.file("qwen.safetensors", "text_encoder", name -> name);
    wanVae = forms.file("wan.safetensors", "vae", ModelForms.wanNames()::get);
    expected = edit(ModelFiles.folder(MODEL));
  }

  private static Image gradient(int width, int height) {
    byte[] rgb = new byte[3 * width * height];
    for (int i = 0; i < rgb.length; i++) {
      rgb[i] = (byte) (i * 31 / width);
    }
    return new Image(width, height, rgb);
  }

  private static Image edit(ModelFiles files) throws CheckpointException {
    return edit(files, new EngineOptions(2));
  }

  private static Image edit(ModelFiles files, EngineOptions options) throws CheckpointException {
    try (Inkstone engine = Inkstone.open(files, options)) {
      return engine.edit(EDIT, Listener.NONE, new CancelToken()).image();
    }
  }

  /** The tiny model's own tokenizer, which no file of its own carries. */
  private static ModelFiles split(Path transformer, Path llm, Path vae) {
    return ModelFiles.split(transformer, llm, null, vae).withTokenizer(MODEL.resolve("tokenizer"));
  }

  @Test
  void splitFiles() throws CheckpointException {
    assertThat(edit(split(plainTransformer, text, wanVae))).isEqualTo(expected);
  }

  @Test
  void namesUnderThePrefixesOfOtherPrograms() throws IOException {
    Path transformer =
        forms.file("prefix.safetensors", "transformer", name -> "model.diffusion_model." + name);
    Path llm =
        forms.file(
            "bundled.safetensors",
            "text_encoder",
            name -> "text_encoders.qwen25_7b.transformer." + name);
    Path vae = forms.file("first.safetensors", "vae", name -> "first_stage_model." + name);
    assertThat(edit(split(transformer, llm, vae))).isEqualTo(expected);
  }

  @Test
  void oneFileForAllParts() throws IOException {
    Path all = temporary.resolve("all.safetensors");
    SafetensorsWriter writer = forms.writer("transformer");
    for (Map.Entry<String, String> part :
        Map.of(
                "transformer", "model.diffusion_model.",
                "text_encoder", "text_encoders.qwen25_7b.transformer.",
                "vae", "vae.")
            .entrySet()) {
      forms.file(
          all.toString(),
          part.getKey(),
          (w, name, tensor) -> ModelForms.asIs(w, part.getValue() + name, tensor),
          writer);
    }
    // Only one config fits into the file's metadata: the others' come from folders.
    ModelFiles files = new ModelFiles(MODEL, all, null, null, null, null, ZeroCondT.AUTO);
    assertThat(edit(files)).isEqualTo(expected);
  }

  @Test
  void aFolderWithPartsReplaced() throws CheckpointException {
    ModelFiles files =
        new ModelFiles(MODEL, plainTransformer, null, null, wanVae, null, ZeroCondT.AUTO);
    assertThat(edit(files)).isEqualTo(expected);
  }

  @Test
  void shardedFolders() throws IOException {
    Path folder = forms.folderWithoutWeights("sharded");
    forms.shard(
        folder.resolve("transformer"),
        "transformer",
        3,
        "diffusion_pytorch_model",
        "diffusion_pytorch_model.safetensors.index.json");
    forms.shard(
        folder.resolve("text_encoder"), "text_encoder", 2, "model", "model.safetensors.index.json");
    forms.shard(
        folder.resolve("vae"),
        "vae",
        2,
        "diffusion_pytorch_model.bf16",
        "diffusion_pytorch_model.safetensors.index.bf16.json");
    assertThat(edit(ModelFiles.folder(folder))).isEqualTo(expected);
    // The same by naming indexes and component folders.
    ModelFiles named =
        new ModelFiles(
            MODEL,
            folder.resolve("transformer/diffusion_pytorch_model.safetensors.index.json"),
            folder.resolve("text_encoder"),
            null,
            folder.resolve("vae"),
            null,
            ZeroCondT.AUTO);
    assertThat(edit(named)).isEqualTo(expected);
  }

  @Test
  void variants() throws IOException {
    Path folder = forms.folderWithoutWeights("variants");
    Files.copy(
        MODEL.resolve("transformer/diffusion_pytorch_model.safetensors"),
        folder.resolve("transformer/diffusion_pytorch_model.bf16.safetensors"));
    Files.writeString(
        folder.resolve("transformer/diffusion_pytorch_model.fp16.safetensors"), "not read");
    Files.copy(
        MODEL.resolve("text_encoder/model.safetensors"),
        folder.resolve("text_encoder/model.fp16.safetensors"));
    Files.copy(
        MODEL.resolve("vae/diffusion_pytorch_model.safetensors"),
        folder.resolve("vae/diffusion_pytorch_model.safetensors"));
    Files.writeString(folder.resolve("vae/diffusion_pytorch_model.fp16.safetensors"), "not read");
    assertThat(edit(ModelFiles.folder(folder))).isEqualTo(expected);
  }

  @Test
  void bothSpellingsOfTheTextEncoderAndWhatElseItHolds() throws IOException {
    Path folder = forms.folderWithoutWeights("spelling");
    forms.file(
        "spelling/text_encoder/model.safetensors",
        "text_encoder",
        name ->
            name.startsWith("visual.")
                ? "model." + name
                : name.replace("model.", "model.language_model."));
    Path vae = folder.resolve("vae");
    forms.file("spelling/vae/diffusion_pytorch_model.safetensors", "vae", name -> name);
    SafetensorsWriter more = new SafetensorsWriter();
    more.f32("lm_head.weight", new float[4], 2, 2).f32("some.other", new float[1], 1);
    forms.file(
        "spelling/transformer/diffusion_pytorch_model.safetensors",
        "transformer",
        ModelForms::asIs,
        more);
    assertThat(vae).exists();
    assertThat(edit(ModelFiles.folder(folder))).isEqualTo(expected);
  }

  @Test
  void configsAsTransformers4WritesThem() throws IOException {
    String nested = Files.readString(MODEL.resolve("text_encoder/config.json"));
    String old =
        nested
            .replaceFirst(
                "\"rope_parameters\": \\{\\s*\"mrope_section\": (\\[[^\\]]*\\]),[^}]*\\}",
                "\"rope_theta\": 1000000.0, \"rope_scaling\": {\"type\": \"mrope\","
                    + " \"mrope_section\": $1}")
            .replace("\"in_channels\": 3", "\"in_chans\": 3");
    assertThat(old).contains("rope_scaling").doesNotContain("mrope_section\": [\n  4");
    String flat =
        old.replaceFirst("(?s)\"text_config\": \\{(.*?\"vocab_size\": 968)\\s*\\}", "$1")
            .replaceFirst("\"model_type\": \"qwen2_5_vl_text\",", "")
            .replaceFirst("\"tie_word_embeddings\": true,", "");
    assertThat(flat).doesNotContain("text_config").contains("\"vocab_size\": 968");
    for (String config : List.of(old, flat)) {
      Path folder = temporary.resolve("old" + config.length());
      Files.createDirectories(folder.resolve("text_encoder"));
      Files.writeString(folder.resolve("text_encoder/config.json"), config);
      Files.copy(
          MODEL.resolve("text_encoder/model.safetensors"),
          folder.resolve("text_encoder/model.safetensors"));
      ModelFiles files =
          new ModelFiles(
              MODEL, null, folder.resolve("text_encoder"), null, null, null, ZeroCondT.AUTO);
      assertThat(edit(files)).as(config).isEqualTo(expected);
    }
  }

  @Test
  void partsMappedOneAfterAnother() throws CheckpointException {
    EngineOptions options = new EngineOptions(2);
    try (Inkstone engine = Inkstone.openStaged(ModelFiles.folder(MODEL), options);
        Inkstone all = Inkstone.open(ModelFiles.folder(MODEL), options);
        Inkstone little = Inkstone.open(MODEL, options.withMaxRamBytes(1 << 20))) {
      assertThat(little.resident()).isFalse();
      assertThat(engine.resident()).isFalse();
      assertThat(all.resident()).isTrue();
      assertThat(engine.parts()).containsOnlyKeys("text_encoder", "transformer", "vae");
      assertThat(engine.parts().get("transformer")).isBetween(28_000_000L, 30_000_000L);
      assertThat(engine.weightBytes()).isZero();
      assertThat(all.weightBytes()).isPositive();
      long[] most = new long[2];
      Listener watching =
          new Listener() {
            @Override
            public void step(int step, int steps, double sigma, Preview preview) {
              most[0] = step == 1 ? engine.weightBytes() : most[0];
              assertThat(preview.decoded()).isNotNull();
              most[1] = Math.max(most[1], engine.weightBytes());
            }
          };
      assertThat(engine.edit(EDIT, watching, new CancelToken()).image()).isEqualTo(expected);
      // The VAE's weights are copied: they are there for a preview, and gone afterwards.
      assertThat(most[0]).isZero();
      assertThat(most[1]).isPositive();
      assertThat(engine.weightBytes()).isZero();
      GenerateRequest words = GenerateRequest.of("A star.", Sampling.of(2, 5));
      assertThat(engine.generate(words, Listener.NONE, new CancelToken()).image())
          .isEqualTo(all.generate(words, Listener.NONE, new CancelToken()).image());
      assertThat(engine.weightBytes()).isZero();
    }
  }

  @Test
  void scaledFp8IsThatOfTheWidenedWeights() throws IOException {
    // A power of two, so that the order of the multiplications does not show.
    float scale = 0.125f;
    Path scaled = fp8("weight_scale", scale, true);
    Path older = fp8("scale_weight", scale, false);
    Path widened =
        forms.file(
            "widened.safetensors",
            "transformer",
            (writer, name, tensor) -> {
              if (quantised(name)) {
                writer.f32(name, rounded(tensor, scale), tensor.shape().toArray());
              } else {
                ModelForms.asIs(writer, name, tensor);
              }
            },
            forms.writer("transformer"));
    Image picture = edit(split(widened, text, wanVae));
    assertThat(picture).isNotEqualTo(expected);
    assertThat(edit(split(scaled, text, wanVae))).isEqualTo(picture);
    assertThat(edit(split(older, text, wanVae))).isEqualTo(picture);
  }

  @Test
  void plainFp8OfEveryTensor() throws IOException {
    Path plain =
        forms.file(
            "plain8.safetensors",
            "transformer",
            (writer, name, tensor) -> ModelForms.fp8(writer, name, tensor, 1),
            forms.writer("transformer"));
    Path widened =
        forms.file(
            "widened8.safetensors",
            "transformer",
            (writer, name, tensor) ->
                writer.f32(name, rounded(tensor, 1), tensor.shape().toArray()),
            forms.writer("transformer"));
    assertThat(edit(split(plain, text, wanVae))).isEqualTo(edit(split(widened, text, wanVae)));
  }

  @Test
  void ggufFilesInFloat32() throws IOException {
    Path transformer =
        GgufForms.transformer(
            MODEL, temporary.resolve("diffusion.gguf"), forms.config("transformer"));
    Path llm = GgufForms.text(MODEL, temporary.resolve("llm.gguf"));
    Path mmproj = GgufForms.vision(MODEL, temporary.resolve("mmproj.gguf"));
    assertThat(edit(ModelFiles.split(transformer, llm, mmproj, wanVae))).isEqualTo(expected);

    // Each half of the text encoder with the other half in another form.
    Path eyes =
        forms.file(
            "eyes.safetensors",
            "text_encoder",
            (writer, name, tensor) -> {
              if (name.startsWith("visual.")) {
                ModelForms.asIs(writer, name, tensor);
              }
            },
            forms.writer("text_encoder"));
    assertThat(edit(ModelFiles.split(transformer, llm, eyes, wanVae))).isEqualTo(expected);
    Path noConfig =
        forms.file("blind.safetensors", "text_encoder", ModelForms::asIs, new SafetensorsWriter());
    assertThatThrownBy(() -> edit(ModelFiles.split(transformer, llm, noConfig, wanVae)))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("vision tower, expected Qwen2.5-VL's 32 blocks");
    assertThat(edit(split(transformer, text, wanVae))).isEqualTo(expected);
  }

  private static boolean quantised(String name) {
    return name.startsWith("transformer_blocks.")
        && name.endsWith(".weight")
        && !name.contains("norm_");
  }

  private static Path fp8(String scaleName, float scale, boolean noted) throws IOException {
    SafetensorsWriter file = forms.writer("transformer");
    if (!noted) {
      file.raw("scaled_fp8", DType.F8_E4M3, new byte[0], 0);
    }
    return forms.file(
        scaleName + ".safetensors",
        "transformer",
        (writer, name, tensor) -> {
          if (!quantised(name)) {
            ModelForms.asIs(writer, name, tensor);
            return;
          }
          ModelForms.fp8(writer, name, tensor, scale);
          String layer = name.substring(0, name.length() - "weight".length());
          writer.f32(layer + scaleName, new float[] {scale});
          writer.f32(layer + (noted ? "input_scale" : "scale_input"), new float[] {0.5f});
          if (noted) {
            byte[] note = "{\"format\": \"float8_e4m3fn\"}".getBytes(StandardCharsets.UTF_8);
            writer.raw(layer + "comfy_quant", DType.U8, note, note.length);
          }
        },
        file);
  }

  private static float[] rounded(Tensor tensor, float scale) {
    float[] values = tensor.toFloatArray();
    for (int i = 0; i < values.length; i++) {
      values[i] = Float8.e4m3ToFloat(ModelForms.e4m3(values[i] / scale)) * scale;
    }
    return values;
  }
}
