package inkstone.app.cli;

import static org.assertj.core.api.Assertions.assertThat;

import inkstone.app.cli.CliHarness.Outcome;
import inkstone.loader.json.Json;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** inspect on the embedded model, and on files that are not what they should be. */
final class InspectCommandTest {
  @TempDir Path folder;

  private CliHarness cli;
  private Path model;

  @BeforeEach
  void harness() {
    cli = new CliHarness(folder);
    model = CliHarness.root().resolve("models").resolve("tiny-qwen-image-edit");
  }

  @Test
  void aModelFolderShowsItsParts() {
    Outcome outcome = cli.run("inspect", model);

    assertThat(outcome.code()).as(outcome.err()).isEqualTo(ExitCode.DONE);
    assertThat(outcome.outLines())
        .contains(
            model + ": QwenImageEditPlusPipeline",
            "transformer: QwenImageTransformer2DModel",
            "vae: AutoencoderKLQwenImage",
            "text_encoder: Qwen2_5_VLForConditionalGeneration",
            "scheduler: FlowMatchEulerDiscreteScheduler")
        .noneMatch(line -> line.contains("problem"));
  }

  @Test
  void aFileIsGuessedByItsTensorsAndGrouped() {
    Path file = model.resolve("transformer").resolve("diffusion_pytorch_model.safetensors");
    Outcome grouped = cli.run("inspect", file);
    Outcome all = cli.run("inspect", file, "--tensors");

    assertThat(grouped.out()).contains("QwenImageTransformer2DModel");
    assertThat(grouped.out()).contains("transformer_blocks.*.attn.to_q.weight  x6");
    assertThat(all.out()).contains("transformer_blocks.5.attn.to_q.weight");
  }

  @Test
  void jsonHasEveryTensor() throws Exception {
    Json json = Json.parse(cli.run("inspect", model, "--json").out().strip(), "inspect");

    assertThat(json.get("class").asString()).isEqualTo("QwenImageEditPlusPipeline");
    for (Json component : json.get("components").items()) {
      long bytes = 0;
      for (Json tensor : component.get("tensors").items()) {
        bytes += tensor.get("bytes").asLong();
      }
      assertThat(component.get("bytes").asLong()).isEqualTo(bytes).isPositive();
      assertThat(component.get("problems").items()).isEmpty();
    }
  }

  @Test
  void jsonHasTheKeysThatTheDocsName() throws Exception {
    Json json = Json.parse(cli.run("inspect", model, "--json").out().strip(), "inspect");
    assertThat(json.keys())
        .containsExactly("path", "class", "licence", "problems", "components", "other_parts");
    String docs = Files.readString(CliHarness.root().resolve("docs").resolve("cli.md"));
    String section = docs.substring(docs.indexOf("## inspect"), docs.indexOf("## metadata"));
    for (Json component : json.get("components").items()) {
      for (String key : component.keys()) {
        assertThat(section).as("documented").contains("`" + key + "`");
      }
      assertThat(component.get("fit").get("missing").items()).isEmpty();
      assertThat(component.get("fit").get("misshapen").items()).isEmpty();
      assertThat(component.get("dtypes").get("BF16").get("tensors").asInt())
          .isEqualTo(component.get("tensors").items().size())
          .isEqualTo(component.get("fit").get("expected").asInt());
      assertThat(component.has("zero_cond_t"))
          .isEqualTo(component.get("name").asString().equals("transformer"));
      if (component.has("zero_cond_t")) {
        assertThat(component.get("zero_cond_t").get("value").asBoolean()).isTrue();
        assertThat(component.get("zero_cond_t").get("from").asString()).isEqualTo("config.json");
      }
    }
  }

  @Test
  void aNetworkWithoutWeightsIsSaid() throws Exception {
    Files.writeString(
        folder.resolve("model_index.json"),
        """
        {"_class_name": "QwenImagePipeline", "vae": ["diffusers", "AutoencoderKLQwenImage"],
         "transformer": ["diffusers", "QwenImageTransformer2DModel"],
         "scheduler": ["diffusers", "FlowMatchEulerDiscreteScheduler"]}
        """);
    Files.createDirectory(folder.resolve("vae"));
    Files.createDirectory(folder.resolve("scheduler"));
    assertThat(cli.run("inspect", folder).outLines())
        .contains(
            "vae: AutoencoderKLQwenImage (weights missing)",
            "transformer: QwenImageTransformer2DModel (folder missing)",
            "scheduler: FlowMatchEulerDiscreteScheduler");
    Files.writeString(folder.resolve("model_index.json"), "{}");
    Outcome nameless = cli.run("inspect", folder);
    assertThat(nameless.code()).isEqualTo(ExitCode.MODEL);
    assertThat(nameless.err()).contains("_class_name");
  }

  @Test
  void aMissingShardIsAProblem() throws Exception {
    Path part = Files.createDirectory(folder.resolve("transformer"));
    Files.copy(
        model.resolve("vae").resolve("diffusion_pytorch_model.safetensors"),
        part.resolve("a-00001-of-00002.safetensors"));
    Files.writeString(
        part.resolve("a.safetensors.index.json"),
        "{\"weight_map\":{\"x.weight\":\"a-00002-of-00002.safetensors\"}}");

    Outcome outcome = cli.run("inspect", part);

    assertThat(outcome.code()).as(outcome.err()).isEqualTo(ExitCode.DONE);
    assertThat(outcome.out())
        .contains("problem     file a-00002-of-00002.safetensors of the index is missing")
        .contains("problem     tensor x.weight of the index is in no file");
  }

  @Test
  void unfitFilesGiveTheCauseAndTheNextStep() throws Exception {
    Path text = Files.writeString(folder.resolve("notes.txt"), "This is no checkpoint.");
    Path empty = Files.createDirectory(folder.resolve("empty"));

    for (Path path : List.of(text, empty)) {
      Outcome outcome = cli.run("inspect", path);
      assertThat(outcome.code()).isEqualTo(ExitCode.MODEL);
      assertThat(outcome.errLines()).hasSize(2);
      assertThat(outcome.err()).contains(path.toString());
      assertThat(outcome.out()).isEmpty();
    }
    assertThat(cli.run("inspect", folder.resolve("none")).code()).isEqualTo(ExitCode.USAGE);
  }
}
