package inkstone.model.pipeline;

/** Whether the VAE works on the whole picture or on overlapping tiles, which bounds its memory. */
public enum VaeTiling {
  /** Tiles only when the whole picture would not fit in memory. */
  AUTO,
  ON,
  OFF
}
