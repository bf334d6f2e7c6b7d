package inkstone.loader.config;

/** Whom the reference tokens of an edit may attend to, as the checkpoint was trained. */
public enum ReferenceMask {
  /** All tokens, like every other token: the published models. */
  NONE,
  /** The tokens of their own picture only; text and target attend to all. */
  SELF
}
