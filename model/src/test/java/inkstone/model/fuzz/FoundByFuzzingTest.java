package inkstone.model.fuzz;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import inkstone.loader.CheckpointException;
import inkstone.model.pipeline.EngineOptions;
import inkstone.model.pipeline.Inkstone;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What mutants found, made by hand. */
class FoundByFuzzingTest {
  @TempDir Path folder;

  @Test
  void aPipelineClassCannotDriveATerminal() throws Exception {
    Files.writeString(
        folder.resolve("model_index.json"), "{\"_class_name\": \"\\u001b[2J\\nQwen\"}");
    assertThatThrownBy(() -> Inkstone.open(folder, new EngineOptions(1)))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("_class_name is \"\\u001b[2J\\u000aQwen\"")
        .hasMessageNotContaining("\u001b")
        .hasMessageNotContaining("\n");
  }
}
