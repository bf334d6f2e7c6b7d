package inkstone.app.cli;

import inkstone.loader.CheckpointException;
import inkstone.model.image.Image;
import inkstone.model.pipeline.CancelToken;
import inkstone.model.pipeline.EditRequest;
import inkstone.model.pipeline.EngineOptions;
import inkstone.model.pipeline.GenerateRequest;
import inkstone.model.pipeline.Listener;
import inkstone.model.pipeline.OutputSize;
import inkstone.model.pipeline.Preview;
import inkstone.model.pipeline.Result;
import inkstone.model.pipeline.Sampling;
import inkstone.model.pipeline.Stage;
import inkstone.model.pipeline.Timings;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** An engine without a model: it tells what it was asked and paints one colour. */
final class FakeEngine implements Engine, Engine.Opener {
  final List<EditRequest> edits = new ArrayList<>();
  final List<GenerateRequest> generations = new ArrayList<>();
  final List<String> warnings = new ArrayList<>();
  Path openedModel;
  EngineOptions options;
  int closed;

  /** Runs after each step, to throw or to cancel. */
  Runnable afterStep = () -> {};

  /** Thrown by {@link #open}, when not null. */
  CheckpointException unfit;

  @Override
  public Engine open(Path modelDir, EngineOptions engineOptions) throws CheckpointException {
    openedModel = modelDir;
    options = engineOptions;
    if (unfit != null) {
      throw unfit;
    }
    return this;
  }

  @Override
  public String describe() {
    return "fake engine";
  }

  @Override
  public Result edit(EditRequest request, Listener listener, CancelToken cancel) {
    edits.add(request);
    return run(request.size(), request.sampling(), listener, cancel);
  }

  @Override
  public Result generate(GenerateRequest request, Listener listener, CancelToken cancel) {
    generations.add(request);
    return run(request.size(), request.sampling(), listener, cancel);
  }

  private Result run(OutputSize size, Sampling sampling, Listener listener, CancelToken cancel) {
    int width = size instanceof OutputSize.Exact exact ? exact.width() : 64;
    int height = size instanceof OutputSize.Exact exact ? exact.height() : 48;
    listener.stage(Stage.ENCODE_PROMPT);
    listener.stage(Stage.DENOISE);
    listener.memory(3 << 20);
    for (int step = 1; step <= sampling.steps(); step++) {
      cancel.throwIfCancelled();
      listener.step(
          step, sampling.steps(), 1.0 - (double) step / sampling.steps(), preview(width, height));
      afterStep.run();
    }
    cancel.throwIfCancelled();
    listener.stage(Stage.DECODE);
    return new Result(
        Image.blank(width, height),
        sampling.seed(),
        new Timings(Map.of(Stage.DENOISE, 1.25)),
        Map.of("model_class", "Fake"),
        warnings,
        1_000_000);
  }

  private static Preview preview(int width, int height) {
    return new Preview() {
      @Override
      public Image projected() {
        return Image.blank(width / 8, height / 8);
      }

      @Override
      public Image decoded() {
        return Image.blank(width, height);
      }
    };
  }

  @Override
  public void close() {
    closed++;
  }
}
