package inkstone.app.cli;

import inkstone.app.image.PictureMetadata;
import inkstone.model.image.Image;
import inkstone.model.pipeline.EngineOptions;
import inkstone.model.pipeline.Listener;
import inkstone.model.pipeline.ModelFiles;
import inkstone.model.pipeline.Preview;
import inkstone.model.pipeline.RefCache;
import inkstone.model.pipeline.Result;
import inkstone.model.pipeline.Sampling;
import inkstone.model.pipeline.Stage;
import inkstone.model.pipeline.VaeTiling;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * The part that edit and generate share. All that can be wrong with the request is found before the
 * model is opened: options, output, pictures, in this order.
 */
final class PictureRun {
  /** One picture's worth of a request. */
  record Ask(
      String prompt,
      String negativePrompt,
      List<Image> pictures,
      Sampling sampling,
      VaeTiling tiling,
      Listener listener) {}

  /** Gives the request to the engine. */
  @FunctionalInterface
  interface Work {
    Result run(Engine engine, Ask ask);
  }

  private final Cli cli;
  private final String command;
  private final RunOptions options;
  private final Report report;
  private final List<String> warnings = new ArrayList<>();

  PictureRun(Cli cli, String command, RunOptions options) {
    this.cli = cli;
    this.command = command;
    this.options = options;
    this.report = options.output.report(cli);
  }

  /** Keeps a warning until the checks are through, so that an error stands alone. */
  void warn(String message) {
    warnings.add(message);
  }

  /**
   * @param refCache what the work's steps reuse, for the metadata; null when nothing was said
   */
  void execute(References references, RefCache refCache, Work work) throws Failure, IOException {
    try {
      checkAndRun(references, refCache, work);
    } finally {
      report.clear();
    }
  }

  private void checkAndRun(References references, RefCache refCache, Work work)
      throws Failure, IOException {
    // 1. What was asked
    String prompt = options.content.prompt(cli);
    LoraOptions.Resolved loras = options.lora.resolve();
    SamplingOptions.Resolved sampling =
        options.sampling.resolve(options.content.negativePrompt(), loras);
    VaeTiling tiling = options.speed.vaeTiling();
    EngineOptions engineOptions = options.speed.engineOptions().withLoras(loras.files());

    // 2. Where it goes
    List<OutputFile> files = options.output.files(sampling.batchCount());
    OutputFile previewFile = options.output.previewFile(files, references);

    // 3. From what
    ModelFiles model = options.model.resolve(cli);
    List<Image> pictures = references.read();

    // 4. The work
    long start = System.nanoTime();
    cli.jobs().begin();
    try (Engine engine = cli.engines().open(model, engineOptions)) {
      report.begin(
          new Report.Plan(
              command,
              model.shown(),
              options.model.embedded(),
              sampling.sampling(),
              files.size(),
              sampling.seedIsRandom()));
      sampling.notes().forEach(report::note);
      warnings.forEach(report::warning);
      engine.warnings().forEach(report::warning);
      report.opened(engine.facts(), secondsSince(start));
      for (int i = 0; i < files.size(); i++) {
        report.picture(i);
        Sampling seeded = SamplingOptions.withSeed(sampling.sampling(), i);
        Ask ask =
            new Ask(
                prompt, sampling.negativePrompt(), pictures, seeded, tiling, listener(previewFile));
        Result result = work.run(engine, ask);
        result.warnings().forEach(report::warning);
        Map<String, Object> facts =
            RunMetadata.of(command, options.model.given(), references, refCache, ask, result);
        cli.jobs().cancelToken().throwIfCancelled();
        OutputFile file = files.get(i);
        file.write(
            result.image(),
            options.output.metadata() ? RunMetadata.texts(facts) : PictureMetadata.NONE);
        report.written(file.shown(), i, result, facts);
      }
    } finally {
      cli.jobs().end();
    }
    report.end(secondsSince(start));
  }

  private Listener listener(OutputFile previewFile) throws Failure {
    OutputOptions.PreviewKind kind = options.output.previewKind();
    return new Listener() {
      private boolean previewFailed;

      @Override
      public void stage(Stage stage) {
        report.stage(stage);
      }

      @Override
      public void memory(long bytes) {
        report.memory(bytes);
      }

      @Override
      public void step(int step, int steps, double sigma, Preview preview) {
        report.step(step, steps, sigma);
        if (previewFile == null || previewFailed) {
          return;
        }
        Image image =
            kind == OutputOptions.PreviewKind.VAE ? preview.decoded() : preview.projected();
        try {
          previewFile.write(image, PictureMetadata.NONE);
          report.preview(previewFile.shown(), step);
        } catch (Failure e) {
          // A preview is a courtesy: the picture itself is still wanted.
          previewFailed = true;
          report.warning(e.getMessage() + "; no more previews");
        }
      }
    };
  }

  private static double secondsSince(long start) {
    return (System.nanoTime() - start) / 1e9;
  }
}
