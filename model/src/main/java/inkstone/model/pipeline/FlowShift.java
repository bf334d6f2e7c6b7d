package inkstone.model.pipeline;

/** How the sigmas are shifted towards noise. */
public sealed interface FlowShift {
  /** As the model's scheduler_config.json says. */
  FlowShift AUTO = new Auto();

  /** See {@link #AUTO}. */
  record Auto() implements FlowShift {}

  /**
   * A static shift without terminal stretch: sigma' = shift·sigma / (1 + (shift − 1)·sigma).
   *
   * @param shift {@link #MIN} to {@link #MAX}
   */
  record Static(double shift) implements FlowShift {
    public static final double MIN = 0.01;
    public static final double MAX = 100;

    public Static {
      if (!(shift >= MIN && shift <= MAX)) {
        throw new IllegalArgumentException(
            "flow shift: expected " + MIN + " to " + MAX + ", got " + shift);
      }
    }
  }
}
