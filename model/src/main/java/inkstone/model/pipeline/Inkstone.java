package inkstone.model.pipeline;

import inkstone.loader.CheckpointException;
import inkstone.memory.TensorArena;
import inkstone.model.debug.Taps;
import inkstone.model.image.Image;
import inkstone.model.lora.LoraMatch;
import inkstone.ops.Compute;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;

/**
 * An engine: one model, opened once, that runs one job at a time. All native memory is freed on
 * close; what a job allocates is freed when the job ends, however it ends.
 */
public final class Inkstone implements AutoCloseable {
  private final ReentrantLock job = new ReentrantLock();
  private final Compute compute;
  private final Components model;
  private final TextToImagePipeline textToImage;
  private final EditPipeline edit;
  private final DriftPipeline drift;
  private final ReferenceBank bank;
  private boolean closed;

  private Inkstone(Compute compute, Components model, EngineOptions options) {
    this.compute = compute;
    this.model = model;
    this.bank = new ReferenceBank(options.bankBytes());
    Denoiser denoiser = new Denoiser(compute, model, bank);
    this.textToImage = new TextToImagePipeline(model, denoiser, options.refCache());
    this.edit = new EditPipeline(model, denoiser, options.refCache());
    this.drift = new DriftPipeline(compute, model, denoiser, edit);
  }

  /**
   * Opens a Hugging Face folder of Qwen-Image or Qwen-Image-Edit. Weights are mapped, not read.
   *
   * @throws CheckpointException naming the file and what is wrong with it
   */
  public static Inkstone open(Path modelDir, EngineOptions options) throws CheckpointException {
    return open(ModelFiles.folder(modelDir), options);
  }

  /**
   * Opens a model from whatever files it is in; docs/checkpoints.md lists the forms. Weights are
   * mapped, not read.
   *
   * @throws CheckpointException naming the file and what is wrong with it
   */
  public static Inkstone open(ModelFiles files, EngineOptions options) throws CheckpointException {
    return open(files, Compute.open(options.threads()), options, options.ramBytes());
  }

  /** The same with each part mapped for its stage alone, whatever memory there is. */
  static Inkstone openStaged(ModelFiles files, EngineOptions options) throws CheckpointException {
    return open(files, Compute.open(options.threads()), options, 0);
  }

  private static Inkstone open(
      ModelFiles files, Compute compute, EngineOptions options, long residentBytes)
      throws CheckpointException {
    boolean opened = false;
    try {
      TensorArena weights = TensorArena.open("weights");
      Components model = new Components(compute, files, options, weights, residentBytes);
      Inkstone engine = new Inkstone(compute, model, options);
      opened = true;
      return engine;
    } finally {
      if (!opened) {
        compute.close();
      }
    }
  }

  /**
   * Tells what a run would take, and whether it fits, without reading a weight.
   *
   * @throws CheckpointException naming the file and what is wrong with it
   * @throws UnfitModelException when the model can't do what is asked
   */
  public static Plan plan(ModelFiles files, EngineOptions options, PlanRequest request)
      throws CheckpointException {
    return Planner.plan(files, options, request);
  }

  /** One line: model class, its size, kernels and threads. */
  public String describe() {
    return describe(model, compute);
  }

  static String describe(Components model, Compute compute) {
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

  /** Whether references are modulated as at timestep 0, and what said so. */
  public ZeroCondT.Choice zeroCondT() {
    return model.parts.zeroCondT();
  }

  /** What each LoRA file is for, in their order. */
  public List<LoraMatch> loraMatches() {
    return model.loras.matches();
  }

  /** What of the LoRA files does nothing, a line for each file of which that is so. */
  public List<String> loraWarnings() {
    return model.loras.warnings();
  }

  /** Bytes of each part's weights in its files: text_encoder, transformer, vae and so on. */
  public Map<String, Long> parts() {
    return model.parts.bytes();
  }

  /** Whether the weights of all parts stay mapped; otherwise each is for its stage alone. */
  public boolean resident() {
    return model.resident;
  }

  /** Whether {@link #edit} is possible with this model. */
  public boolean edits() {
    return model.pipelineClass.edits();
  }

  /**
   * Pictures to edit many times, as many as an {@link EditRequest} takes. Closing them frees what
   * the engine remembers of them, at any time; closing the engine frees it too.
   */
  public References references(List<Image> pictures) {
    return new References(model.cache, pictures);
  }

  /** Off-heap bytes between jobs: copied weights, scratch, what is remembered; 0 once closed. */
  long nativeBytes() {
    return model.arena.allocatedBytes() + compute.scratchBytes() + rememberedBytes() + bank.bytes();
  }

  /** Off-heap bytes of copied weights that are there now. */
  long weightBytes() {
    return model.arena.allocatedBytes();
  }

  long rememberedBytes() {
    return model.cache.allocatedBytes();
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
    requireEdits(model);
    return runAlone(listener, cancel, taps, run -> edit.run(run, request));
  }

  /**
   * Measures what a policy of reuse costs in quality: runs the edit without reuse and beside it the
   * policy's passes, then the policy alone, then two yardsticks. The listener hears a {@link
   * Stage#DENOISE} and a {@link Stage#DECODE} for each of the four pictures, in the order off,
   * policy, rounded inputs, fewer steps.
   *
   * @throws java.util.concurrent.CancellationException within a block of {@code cancel}
   * @throws UnfitModelException when the model makes pictures from words only, or gives numbers
   *     that are not finite
   * @throws InsufficientMemoryException before the long part, when it will not fit
   */
  public DriftReport drift(DriftRequest request, Listener listener, CancelToken cancel) {
    requireEdits(model);
    return runAlone(listener, cancel, Taps.NONE, run -> drift.run(run, request.edit()));
  }

  static void requireEdits(Components model) {
    if (!model.pipelineClass.edits()) {
      throw new UnfitModelException(model.parts.noEdits());
    }
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

  private <T> T runAlone(Listener listener, CancelToken cancel, Taps taps, Function<Run, T> body) {
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
        bank.close();
        model.close();
      }
    } finally {
      job.unlock();
    }
  }
}
