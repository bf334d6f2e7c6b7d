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
import inkstone.model.pipeline.ModelFiles;
import inkstone.model.pipeline.Result;
import java.util.List;

/** What the commands need of an {@link Inkstone}, so that their tests run without a model. */
interface Engine extends AutoCloseable {
  /** Opens a model. */
  @FunctionalInterface
  interface Opener {
    Engine open(ModelFiles files, EngineOptions options) throws CheckpointException;
  }

  String describe();

  ModelFacts facts();

  /** What the model's files have that does nothing. */
  default List<String> warnings() {
    return List.of();
  }

  Result edit(EditRequest request, Listener listener, CancelToken cancel);

  Result generate(GenerateRequest request, Listener listener, CancelToken cancel);

  DriftReport drift(DriftRequest request, Listener listener, CancelToken cancel);

  @Override
  void close();

  /** The real one. */
  static Engine open(ModelFiles files, EngineOptions options) throws CheckpointException {
    Inkstone inkstone = Inkstone.open(files, options);
    return new Engine() {
      @Override
      public String describe() {
        return inkstone.describe();
      }

      @Override
      public ModelFacts facts() {
        return new ModelFacts(
            inkstone.describe(), inkstone.zeroCondT(), inkstone.parts(), inkstone.resident());
      }

      @Override
      public List<String> warnings() {
        return inkstone.loraWarnings();
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
