package inkstone.app.cli;

import inkstone.loader.CheckpointException;
import inkstone.model.pipeline.CancelToken;
import inkstone.model.pipeline.DriftReport;
import inkstone.model.pipeline.DriftRequest;
import inkstone.model.pipeline.EditRequest;
import inkstone.model.pipeline.EngineOptions;
import inkstone.model.pipeline.GenerateRequest;
import inkstone.model.pipeline.Inkstone;
import inkstone.model.pipeline.Listener;
import inkstone.model.pipeline.Result;
import java.nio.file.Path;

/** What the commands need of an {@link Inkstone}, so that their tests run without a model. */
interface Engine extends AutoCloseable {
  /** Opens a model folder. */
  @FunctionalInterface
  interface Opener {
    Engine open(Path modelDir, EngineOptions options) throws CheckpointException;
  }

  String describe();

  Result edit(EditRequest request, Listener listener, CancelToken cancel);

  Result generate(GenerateRequest request, Listener listener, CancelToken cancel);

  DriftReport drift(DriftRequest request, Listener listener, CancelToken cancel);

  @Override
  void close();

  /** The real one. */
  static Engine open(Path modelDir, EngineOptions options) throws CheckpointException {
    Inkstone inkstone = Inkstone.open(modelDir, options);
    return new Engine() {
      @Override
      public String describe() {
        return inkstone.describe();
      }

      @Override
      public Result edit(EditRequest request, Listener listener, CancelToken cancel) {
        return inkstone.edit(request, listener, cancel);
      }

      @Override
      public Result generate(GenerateRequest request, Listener listener, CancelToken cancel) {
        return inkstone.generate(request, listener, cancel);
      }

      @Override
      public DriftReport drift(DriftRequest request, Listener listener, CancelToken cancel) {
        return inkstone.drift(request, listener, cancel);
      }

      @Override
      public void close() {
        inkstone.close();
      }
    };
  }
}
