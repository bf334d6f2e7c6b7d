package inkstone.app.cli;

import inkstone.model.pipeline.Result;
import inkstone.model.pipeline.Sampling;
import inkstone.model.pipeline.Stage;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** Tells how a run goes: to a person or to a program. */
interface Report {
  /**
   * What is about to be done.
   *
   * @param model folder or file that stands for the model
   * @param embedded whether it is the model that comes with the program
   */
  record Plan(
      String command,
      Path model,
      boolean embedded,
      Sampling sampling,
      int pictures,
      boolean seedIsRandom) {}

  /** Work begins. */
  void begin(Plan plan);

  /** The model is open. */
  void opened(ModelFacts model, double seconds);

  /** Something that the user did not say and should know. */
  void note(String message);

  /** Something that is not as the user said. */
  void warning(String message);

  /** A picture begins, 0 for the first. */
  void picture(int index);

  void stage(Stage stage);

  /** Bytes that the current picture will have in use at most from here on. */
  void memory(long bytes);

  /** A step of the current picture has ended. */
  void step(int step, int steps, double sigma);

  /** The preview file was renewed. */
  void preview(String path, int step);

  /** A picture is in its place. */
  void written(String path, int index, Result result, Map<String, Object> metadata);

  /**
   * A drift report is in its place.
   *
   * @param path of its JSON file
   * @param facts what that holds
   * @param summary the same in some lines
   */
  void drift(String path, Map<String, Object> facts, List<String> summary);

  /** All pictures are there. */
  void end(double seconds);

  /** Takes progress off the screen, so that something else can be written. */
  void clear();
}
