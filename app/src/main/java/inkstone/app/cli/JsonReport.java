package inkstone.app.cli;

import inkstone.model.pipeline.Result;
import inkstone.model.pipeline.Stage;
import java.io.PrintStream;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** One JSON object a line, each with its {@code event}; see docs/cli.md. */
final class JsonReport implements Report {
  private final PrintStream out;
  private int picture;
  private int pictures;
  private final TimeLeft timeLeft = new TimeLeft();

  JsonReport(PrintStream out) {
    this.out = out;
  }

  @Override
  public void begin(Plan plan) {
    pictures = plan.pictures();
    Map<String, Object> event = event("start");
    event.put("command", plan.command());
    event.put("model", plan.model().toString());
    event.put("steps", plan.sampling().steps());
    event.put("cfg_scale", plan.sampling().cfgScale());
    event.put("seed", plan.sampling().seed());
    event.put("pictures", plan.pictures());
    emit(event);
  }

  @Override
  public void opened(ModelFacts model, double seconds) {
    Map<String, Object> event = event("model");
    event.put("engine", model.engine());
    event.put("zero_cond_t", model.zeroCondT().on());
    event.put("zero_cond_t_from", model.zeroCondT().from());
    event.put("weights_bytes", model.parts());
    event.put("resident", model.resident());
    event.put("seconds", rounded(seconds));
    emit(event);
  }

  @Override
  public void note(String message) {
    message("note", message);
  }

  @Override
  public void warning(String message) {
    message("warning", message);
  }

  @Override
  public void picture(int index) {
    picture = index;
  }

  @Override
  public void stage(Stage stage) {
    timeLeft.stage();
    Map<String, Object> event = pictureEvent("stage");
    event.put("stage", name(stage));
    emit(event);
  }

  @Override
  public void memory(long bytes) {
    Map<String, Object> event = pictureEvent("memory");
    event.put("bytes", bytes);
    emit(event);
  }

  @Override
  public void step(int step, int steps, double sigma) {
    Map<String, Object> event = pictureEvent("step");
    event.put("step", step);
    event.put("steps", steps);
    event.put("sigma", sigma);
    event.put("eta_s", rounded(timeLeft.step(step, steps)));
    emit(event);
  }

  @Override
  public void preview(String path, int step) {
    Map<String, Object> event = pictureEvent("preview");
    event.put("step", step);
    event.put("path", path);
    emit(event);
  }

  @Override
  public void written(String path, int index, Result result, Map<String, Object> metadata) {
    Map<String, Object> event = pictureEvent("picture");
    event.put("path", path);
    event.put("seed", result.seed());
    event.put("width", result.width());
    event.put("height", result.height());
    event.put("seconds", rounded(result.timings().totalSeconds()));
    Map<String, Object> stages = new LinkedHashMap<>();
    result.timings().stages().forEach((stage, s) -> stages.put(name(stage), rounded(s)));
    event.put("stages", stages);
    event.put("peak_bytes", result.peakBytes());
    event.put("ref_cache", RefCacheFacts.event(result.cacheStats()));
    event.put("metadata", metadata);
    emit(event);
  }

  @Override
  public void drift(String path, Map<String, Object> facts, List<String> summary) {
    Map<String, Object> event = event("drift");
    event.put("path", path);
    event.putAll(facts);
    emit(event);
  }

  @Override
  public void end(double seconds) {
    Map<String, Object> event = event("done");
    event.put("pictures", pictures);
    event.put("seconds", rounded(seconds));
    emit(event);
  }

  @Override
  public void clear() {}

  /** The last event of a command that failed. */
  static String error(int exitCode, String cause, String nextStep) {
    Map<String, Object> event = event("error");
    event.put("exit_code", exitCode);
    event.put("message", cause);
    event.put("next_step", nextStep);
    return JsonText.of(event);
  }

  private void message(String kind, String message) {
    Map<String, Object> event = event(kind);
    event.put("message", message);
    emit(event);
  }

  private Map<String, Object> pictureEvent(String kind) {
    Map<String, Object> event = event(kind);
    event.put("picture", picture);
    return event;
  }

  private static Map<String, Object> event(String kind) {
    Map<String, Object> event = new LinkedHashMap<>();
    event.put("event", kind);
    return event;
  }

  private static String name(Stage stage) {
    return stage.name().toLowerCase(Locale.ROOT);
  }

  private static double rounded(double seconds) {
    return Math.round(seconds * 1000) / 1000.0;
  }

  private void emit(Map<String, Object> event) {
    out.println(JsonText.of(event));
    out.flush();
  }
}
