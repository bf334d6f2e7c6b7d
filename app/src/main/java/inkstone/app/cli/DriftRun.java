package inkstone.app.cli;

import inkstone.model.image.Image;
import inkstone.model.pipeline.DriftReport;
import inkstone.model.pipeline.DriftRequest;
import inkstone.model.pipeline.EditRequest;
import inkstone.model.pipeline.EngineOptions;
import inkstone.model.pipeline.Listener;
import inkstone.model.pipeline.ModelFiles;
import inkstone.model.pipeline.Preview;
import inkstone.model.pipeline.Stage;
import java.io.IOException;
import java.util.List;
import java.util.Map;

/** One drift report, from the checked request to the folder. */
final class DriftRun {
  /** Pictures that the engine makes: off, policy, rounded inputs, fewer steps. */
  private static final int PICTURES = 4;

  /**
   * The checked request.
   *
   * @param model files to open
   * @param modelOptions the same as given
   * @param warnings what checking the options found
   */
  record Asked(
      EditRequest edit,
      References references,
      ModelFiles model,
      ModelOptions modelOptions,
      EngineOptions engineOptions,
      SamplingOptions.Resolved sampling,
      List<String> warnings) {}

  private final Cli cli;
  private final Report report;
  private final ReportFolder folder;

  DriftRun(Cli cli, Report report, ReportFolder folder) {
    this.cli = cli;
    this.report = report;
    this.folder = folder;
  }

  void execute(Asked asked) throws Failure, IOException {
    long start = System.nanoTime();
    cli.jobs().begin();
    try (Engine engine = cli.engines().open(asked.model(), asked.engineOptions())) {
      report.begin(
          new Report.Plan(
              "drift",
              asked.model().shown(),
              asked.modelOptions().embedded(),
              asked.edit().sampling(),
              PICTURES,
              asked.sampling().seedIsRandom()));
      asked.sampling().notes().forEach(report::note);
      asked.warnings().forEach(report::warning);
      engine.warnings().forEach(report::warning);
      report.opened(engine.facts(), secondsSince(start));
      report.picture(0);
      DriftReport drift =
          engine.drift(new DriftRequest(asked.edit()), listener(), cli.jobs().cancelToken());
      drift.warnings().forEach(report::warning);
      Map<String, Object> facts = DriftJson.of(asked, engine.describe(), drift);
      Map<String, byte[]> files = DriftFiles.of(drift, facts);
      cli.jobs().cancelToken().throwIfCancelled();
      folder.write(files);
      report.drift(folder.shown(DriftFiles.REPORT), facts, DriftText.of(drift));
    } finally {
      cli.jobs().end();
      report.clear();
    }
    report.end(secondsSince(start));
  }

  /** Each denoising begins the next picture. */
  private Listener listener() {
    return new Listener() {
      private int denoised;

      @Override
      public void stage(Stage stage) {
        if (stage == Stage.DENOISE) {
          report.picture(denoised);
          denoised++;
        }
        report.stage(stage);
      }

      @Override
      public void memory(long bytes) {
        report.memory(bytes);
      }

      @Override
      public void step(int step, int steps, double sigma, Preview preview) {
        report.step(step, steps, sigma);
      }
    };
  }

  /** Width and height. */
  static String size(Image image) {
    return image.width() + "x" + image.height();
  }

  private static double secondsSince(long start) {
    return (System.nanoTime() - start) / 1e9;
  }
}
