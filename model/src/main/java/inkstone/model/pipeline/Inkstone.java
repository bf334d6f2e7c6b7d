package inkstone.model.pipeline;

import inkstone.loader.CheckpointException;
import inkstone.model.debug.Taps;
import inkstone.ops.Compute;
import java.nio.file.Path;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;

/**
 * An engine: one model folder, opened once, that runs one job at a time. All native memory is freed
 * on close; what a job allocates is freed when the job ends, however it ends.
 */
public final class Inkstone implements AutoCloseable {
  private final ReentrantLock job = new ReentrantLock();
  private final Compute compute;
  private final Components model;
  private final TextToImagePipeline textToImage;
  private final EditPipeline edit;
  private boolean closed;

  private Inkstone(Compute compute, Components model) {
    this.compute = compute;
    this.model = model;
    Denoiser denoiser = new Denoiser(compute, model.transformer, model.scheduler, model.codec);
    this.textToImage = new TextToImagePipeline(model, denoiser);
    this.edit = new EditPipeline(model, denoiser);
  }

  /**
   * Opens a Hugging Face folder of Qwen-Image or Qwen-Image-Edit. Weights are mapped, not read.
   *
   * @throws CheckpointException naming the file and what is wrong with it
   */
  public static Inkstone open(Path modelDir, EngineOptions options) throws CheckpointException {
    return open(modelDir, Compute.open(options.threads()));
  }

  static Inkstone open(Path modelDir, Compute compute) throws CheckpointException {
    boolean opened = false;
    try {
      Inkstone engine = new Inkstone(compute, new Components(compute, modelDir));
      opened = true;
      return engine;
    } finally {
      if (!opened) {
        compute.close();
      }
    }
  }

  /** One line: model class, its size, kernels and threads. */
  public String describe() {
    var dit = model.transformerConfig;
    return model.pipelineClass
        + ": "
        + dit.numLayers()
        + " blocks of "
        + dit.numAttentionHeads()
        + "x"
        + dit.attentionHeadDim()
        + (dit.zeroCondT() ? ", zero_cond_t; " : "; ")
        + compute.describe();
  }

  /** Whether {@link #edit} is possible with this model. */
  public boolean edits() {
    return model.pipelineClass.edits();
  }

  /**
   * Changes pictures by words.
   *
   * @throws java.util.concurrent.CancellationException within a block of {@code cancel}
   * @throws UnfitModelException when the model makes pictures from words only
   * @throws InsufficientMemoryException before the long part, when it will not fit
   */
  public Result edit(EditRequest request, Listener listener, CancelToken cancel) {
    return edit(request, listener, cancel, Taps.NONE);
  }

  /** The same, with every dump point of docs/parity.md handed to {@code taps}. */
  public Result edit(EditRequest request, Listener listener, CancelToken cancel, Taps taps) {
    if (!model.pipelineClass.edits()) {
      throw new UnfitModelException(
          "model: "
              + model.pipelineClass
              + " makes pictures from words only; use generate, or open an Edit model");
    }
    return runAlone(listener, cancel, taps, run -> edit.run(run, request));
  }

  /**
   * Makes a picture from words.
   *
   * @throws java.util.concurrent.CancellationException within a block of {@code cancel}
   * @throws InsufficientMemoryException before the long part, when it will not fit
   */
  public Result generate(GenerateRequest request, Listener listener, CancelToken cancel) {
    return generate(request, listener, cancel, Taps.NONE);
  }

  /** The same, with every dump point of docs/parity.md handed to {@code taps}. */
  public Result generate(
      GenerateRequest request, Listener listener, CancelToken cancel, Taps taps) {
    return runAlone(listener, cancel, taps, run -> textToImage.run(run, request));
  }

  private Result runAlone(
      Listener listener, CancelToken cancel, Taps taps, Function<Run, Result> body) {
    if (job.isHeldByCurrentThread() || !job.tryLock()) {
      throw new IllegalStateException(
          "Inkstone: a job is running and an engine runs one at a time; wait for it or open another");
    }
    try {
      if (closed) {
        throw new IllegalStateException("Inkstone: closed; open a new engine");
      }
      try (Run run = new Run(listener, cancel, taps)) {
        return body.apply(run);
      }
    } finally {
      job.unlock();
    }
  }

  /** Waits for a running job, then frees everything. */
  @Override
  public void close() {
    job.lock();
    try {
      if (!closed) {
        closed = true;
        compute.close();
        model.close();
      }
    } finally {
      job.unlock();
    }
  }
}
