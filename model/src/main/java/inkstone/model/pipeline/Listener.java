package inkstone.model.pipeline;

/** Told of a run's progress, on the run's own thread. */
public interface Listener {
  /** Listens to nothing. */
  Listener NONE = new Listener() {};

  /** A stage begins. */
  default void stage(Stage stage) {}

  /**
   * The long part begins and its memory is there.
   *
   * @param bytes of off-heap memory that the run will have in use at most from here on: what it
   *     holds, the image tokens, and the activations of transformer or VAE, whichever are more;
   *     full-size previews come on top
   */
  default void memory(long bytes) {}

  /**
   * A denoising step has ended.
   *
   * @param step 1 to {@code steps}
   * @param sigma noise level after the step, 1 (pure noise) to 0
   */
  default void step(int step, int steps, double sigma, Preview preview) {}
}
