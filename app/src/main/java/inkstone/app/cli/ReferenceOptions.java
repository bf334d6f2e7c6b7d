package inkstone.app.cli;

import inkstone.model.pipeline.EditRequest;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Option;

/** The pictures to work from. */
final class ReferenceOptions {
  @Option(
      names = {"-r", "--ref-image"},
      paramLabel = "FILE",
      description =
          "PNG or JPEG to work from; give several in order, they are Picture 1, Picture 2, ... in"
              + " the prompt")
  private List<String> references = new ArrayList<>();

  /** Whether there is any. */
  boolean given() {
    return !references.isEmpty();
  }

  /**
   * As many as an edit takes.
   *
   * @param next what to do when there are none
   */
  References resolve(String command, String next) throws Failure {
    if (references.isEmpty()) {
      throw Failure.usage(command + " needs a picture", next);
    }
    if (references.size() > EditRequest.MAX_REFERENCES) {
      throw Failure.usage(
          "-r: expected at most "
              + EditRequest.MAX_REFERENCES
              + " pictures, got "
              + references.size(),
          "leave some out");
    }
    return References.of(references);
  }
}
