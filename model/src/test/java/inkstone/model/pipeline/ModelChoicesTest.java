package inkstone.model.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import inkstone.loader.CheckpointException;
import inkstone.loader.Golden;
import inkstone.loader.safetensors.SafetensorsWriter;
import inkstone.model.image.Image;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is decided from files, what is refused, and what the messages say. */
final class ModelChoicesTest {
  /** Smaller than the embedded model; its transformer's config is in no shape. */
  private static final Path MODEL = TinyFolder.PLAIN;

  private static final EngineOptions OPTIONS = new EngineOptions(1);

  @TempDir private static Path shared;
  private static ModelForms forms;
  private static Path transformer;
  private static Path text;
  private static Path vae;

  @TempDir private Path temporary;

  @BeforeAll
  static void write() throws IOException {
    forms = new ModelForms(MODEL, shared);
    transformer = forms.file("transformer.safetensors", "transformer", name -> name);
    text = forms.file("text.safetensors", "text_encoder", name -> name);
    vae = forms.file("vae.safetensors", "vae", name -> name);
  }

  private static ModelFiles split(Path diffusionModel, Path llm, Path llmVision, Path decoder) {
    return ModelFiles.split(diffusionModel, llm, llmVision, decoder)
        .withTokenizer(MODEL.resolve("tokenizer"));
  }

  private static ZeroCondT.Choice zeroCondT(ModelFiles files) throws CheckpointException {
    try (Inkstone engine = Inkstone.open(files, OPTIONS)) {
      assertThat(engine.describe().contains("zero_cond_t")).isEqualTo(engine.zeroCondT().on());
      return engine.zeroCondT();
    }
  }

  @Test
  void zeroCondTFromConfigs() throws IOException {
    Path on = TinyFolder.copy(temporary, true, "none");
    Path off = TinyFolder.copy(temporary, false, "none");
    assertThat(zeroCondT(ModelFiles.folder(on)))
        .isEqualTo(new ZeroCondT.Choice(true, "config.json"));
    assertThat(zeroCondT(ModelFiles.folder(off)))
        .isEqualTo(new ZeroCondT.Choice(false, "config.json"));
    assertThat(zeroCondT(ModelFiles.folder(on).withZeroCondT(ZeroCondT.OFF)))
        .isEqualTo(new ZeroCondT.Choice(false, "--zero-cond-t off"));
    assertThat(zeroCondT(ModelFiles.folder(off).withZeroCondT(ZeroCondT.ON)))
        .isEqualTo(new ZeroCondT.Choice(true, "--zero-cond-t on"));
  }

  @Test
  void zeroCondTFromFilesOfTheirOwn() throws IOException {
    assertThat(zeroCondT(split(transformer, text, null, vae)))
        .isEqualTo(new ZeroCondT.Choice(false, "the config in the diffusion model's metadata"));
    Path marked =
        forms.file(
            "marked.safetensors",
            "transformer",
            (writer, name, tensor) ->
                ModelForms.asIs(writer, "model.diffusion_model." + name, tensor),
            forms
                .writer("transformer")
                .f32("model.diffusion_model.__index_timestep_zero__", new float[0], 0));
    assertThat(zeroCondT(split(marked, text, null, vae)))
        .isEqualTo(
            new ZeroCondT.Choice(
                true, "the marker __index_timestep_zero__ in the diffusion model"));
    assertThat(zeroCondT(split(marked, text, null, vae).withZeroCondT(ZeroCondT.OFF)).on())
        .isFalse();
    Path key =
        forms.file(
            "key.safetensors",
            "transformer",
            ModelForms::asIs,
            forms.writer("transformer").metadata("qwen_image.zero_cond_t", "true"));
    assertThat(zeroCondT(split(key, text, null, vae)))
        .isEqualTo(
            new ZeroCondT.Choice(true, "qwen_image.zero_cond_t in the diffusion model's metadata"));
  }

  @Test
  void zeroCondTChangesThePicture() throws CheckpointException {
    ModelFiles files = split(transformer, text, null, vae);
    assertThat(edit(files.withZeroCondT(ZeroCondT.ON))).isNotEqualTo(edit(files));
    assertThat(edit(files.withZeroCondT(ZeroCondT.OFF))).isEqualTo(edit(files));
  }

  private static Image edit(ModelFiles files) throws CheckpointException {
    try (Inkstone engine = Inkstone.open(files, OPTIONS)) {
      return engine
          .edit(
              EditRequest.of("Make it blue.", List.of(Image.blank(48, 64)), Sampling.of(2, 5)),
              Listener.NONE,
              new CancelToken())
          .image();
    }
  }

  @Test
  void withoutAVisionTowerWordsWorkAndEditsAreRefused() throws IOException {
    Path words =
        forms.file(
            "words.safetensors",
            "text_encoder",
            (writer, name, tensor) -> {
              if (!name.startsWith("visual.")) {
                ModelForms.asIs(writer, name, tensor);
              }
            },
            forms.writer("text_encoder"));
    Path eyes =
        forms.file(
            "eyes.safetensors",
            "text_encoder",
            (writer, name, tensor) -> {
              if (name.startsWith("visual.")) {
                ModelForms.asIs(writer, name, tensor);
              }
            },
            new SafetensorsWriter());
    ModelFiles files = split(transformer, words, null, vae);
    try (Inkstone engine = Inkstone.open(files, OPTIONS)) {
      assertThat(engine.edits()).isFalse();
      assertThat(
              engine
                  .generate(
                      GenerateRequest.of("A star.", Sampling.of(2, 5)),
                      Listener.NONE,
                      new CancelToken())
                  .image())
          .isNotNull();
      assertThatThrownBy(() ->
              engine.edit(
                  EditRequest.of("Make it blue.", List.of(Image.blank(48, 64)), Sampling.of(2, 5)),
                  Listener.NONE,
                  new CancelToken()))
          .isInstanceOf(UnfitModelException.class)
          .hasMessageContaining("vision tower: expected one for an edit")
          .hasMessageContaining("words.safetensors")
          .hasMessageContaining("add --llm-vision F");
    }
    // The same in place of an Edit folder's text encoder.
    ModelFiles blind = new ModelFiles(MODEL, null, words, null, null, null, ZeroCondT.AUTO);
    try (Inkstone engine = Inkstone.open(blind, OPTIONS)) {
      assertThat(engine.edits()).isFalse();
    }
    ModelFiles whole = split(transformer, words, eyes, vae);
    assertThat(edit(whole)).isEqualTo(edit(split(transformer, text, null, vae)));
    try (Inkstone engine = Inkstone.open(whole, OPTIONS)) {
      assertThat(engine.parts())
          .containsOnlyKeys("text_encoder", "vision_tower", "transformer", "vae");
    }
  }

  private static void refused(ModelFiles files, String finding, String nextStep) {
    assertThatThrownBy(() -> Inkstone.open(files, OPTIONS))
        .isInstanceOfSatisfying(
            CheckpointException.class,
            e -> {
              assertThat(e.finding()).contains(finding);
              assertThat(e.nextStep()).contains(nextStep);
            });
  }

  @Test
  void aPartGivenForAnother() throws IOException {
    refused(
        split(transformer, vae, null, vae),
        "--llm: expected a Qwen2.5-VL text encoder, got the VAE of Qwen-Image (" + vae + ")",
        "give it with --vae");
    refused(
        split(text, text, null, vae),
        "--diffusion-model: expected the diffusion transformer of Qwen-Image, got a Qwen2.5-VL"
            + " text encoder with a Qwen2.5-VL vision tower",
        "give it with --llm");
    refused(split(transformer, text, transformer, vae), "--llm-vision: expected", "--diffusion");
    refused(split(transformer, text, null, text), "--vae: expected", "give it with --llm");
    Path flux =
        new SafetensorsWriter()
            .f32("double_blocks.0.img_attn.qkv.weight", new float[1], 1)
            .write(temporary.resolve("flux.safetensors"));
    refused(
        split(flux, text, null, vae),
        "got a Flux or HunyuanVideo transformer",
        "give the --diffusion-model file of a Qwen-Image model");
    Path lora =
        new SafetensorsWriter()
            .f32("transformer_blocks.0.attn.to_q.lora_A.weight", new float[1], 1)
            .write(temporary.resolve("lora.safetensors"));
    refused(split(lora, text, null, vae), "got a LoRA", "give it with --lora");
  }

  @Test
  void whatIsNoCheckpoint() throws IOException {
    Path page = Files.writeString(temporary.resolve("model.gguf"), "<html>Not found</html>");
    refused(split(page, text, null, vae), "got a web page", "download the file itself");
    Path words = Files.writeString(temporary.resolve("text.gguf"), "Just some words.");
    refused(split(transformer, words, null, vae), "got a text file", "download");
    Path half = temporary.resolve("half.safetensors");
    byte[] bytes = Files.readAllBytes(vae);
    Files.write(half, java.util.Arrays.copyOf(bytes, bytes.length / 2));
    assertThatThrownBy(() -> Inkstone.open(split(transformer, text, null, half), OPTIONS))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("half.safetensors");
  }

  @Test
  void partsOfTwoModels() throws IOException {
    ModelForms tiny = new ModelForms(Golden.tinyModel(), temporary);
    Path other = tiny.file("other.safetensors", "text_encoder", name -> name);
    assertThatThrownBy(() ->
            Inkstone.open(
                ModelFiles.split(transformer, other, null, vae)
                    .withTokenizer(Golden.tinyModel().resolve("tokenizer")),
                OPTIONS))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining(transformer + ": joint_attention_dim is 40, expected")
        .hasMessageContaining("hidden_size 128");
  }

  @Test
  void theTokenizer() throws IOException {
    // A text encoder with fewer tokens than the published one has needs its own.
    refused(
        ModelFiles.split(transformer, text, null, vae),
        "tokenizer: expected the one of a text encoder with 968 tokens, got no tokenizer beside it",
        "give their folder with --tokenizer DIR");
    Path folder = Files.createDirectories(temporary.resolve("near"));
    Path near = Files.copy(text, folder.resolve("text.safetensors"));
    copyTokenizer(folder.resolve("tokenizer"));
    ModelFiles files = ModelFiles.split(transformer, near, null, vae);
    assertThat(edit(files)).isEqualTo(edit(split(transformer, text, null, vae)));
    Files.writeString(folder.resolve("tokenizer.json"), "{}");
    assertThatThrownBy(() -> Inkstone.open(files, OPTIONS))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("tokenizer.json");
  }

  private static void copyTokenizer(Path to) throws IOException {
    Files.createDirectories(to);
    for (String name : List.of("vocab.json", "merges.txt", "tokenizer_config.json")) {
      Files.copy(MODEL.resolve("tokenizer").resolve(name), to.resolve(name));
    }
    // Without tokenizer.json the added tokens need their ids.
    Files.copy(MODEL.resolve("tokenizer/tokenizer.json"), to.resolve("tokenizer.json"));
  }

  @Test
  void aFileThatChangedMeanwhile() throws IOException {
    Path own = Files.copy(vae, temporary.resolve("vae.safetensors"));
    ModelFiles files = split(transformer, text, null, own);
    try (Inkstone engine = Inkstone.openStaged(files, OPTIONS)) {
      Files.delete(own);
      GenerateRequest words = GenerateRequest.of("A star.", Sampling.of(1, 5));
      assertThatThrownBy(() -> engine.generate(words, Listener.NONE, new CancelToken()))
          .isInstanceOf(UnfitModelException.class)
          .hasCauseInstanceOf(CheckpointException.class)
          .hasMessageContaining(Matcher.quoteReplacement(own.toString()));
      assertThat(engine.weightBytes()).isZero();
    }
  }
}
