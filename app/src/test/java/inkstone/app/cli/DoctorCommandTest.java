package inkstone.app.cli;

import static org.assertj.core.api.Assertions.assertThat;

import inkstone.app.cli.CliHarness.Outcome;
import inkstone.loader.CheckpointException;
import inkstone.loader.json.Json;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** doctor on this machine, with a model that is fit and one that is not. */
final class DoctorCommandTest {
  @TempDir Path folder;

  private CliHarness cli;

  @BeforeEach
  void harness() {
    cli = new CliHarness(folder);
  }

  @Test
  void aFitMachineAndModel() {
    Outcome outcome = cli.run("doctor");

    assertThat(outcome.code()).as(outcome.out()).isEqualTo(ExitCode.DONE);
    assertThat(outcome.out())
        .contains("ok    Java")
        .contains("ok    Vector API")
        .contains("ok    memory")
        .contains("fake engine");
    assertThat(cli.engine.closed).isEqualTo(1);
  }

  @Test
  void anUnfitModelTellsWhatToDo() throws Exception {
    cli.engine.unfit = new CheckpointException("no tensor \"img_in.weight\" (x); download it");
    Outcome lines = cli.run("doctor");
    Outcome json = cli.run("doctor", "--json");
    Outcome missing = cli.run("doctor", "-m", folder.resolve("none"));

    assertThat(lines.code()).isEqualTo(ExitCode.MODEL);
    assertThat(lines.out()).contains("fix   model").contains("-> ");
    assertThat(missing.code()).isEqualTo(ExitCode.MODEL);
    assertThat(missing.out()).contains("no such folder");
    Json report = Json.parse(json.out().strip(), "doctor");
    assertThat(report.get("ok").asBoolean()).isFalse();
    assertThat(report.get("checks").items().getLast().get("status").asString()).isEqualTo("fix");
  }
}
