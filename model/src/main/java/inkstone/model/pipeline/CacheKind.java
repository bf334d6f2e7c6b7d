package inkstone.model.pipeline;

/** What an engine remembers from one request to the next. */
public enum CacheKind {
  /** What the VAE makes of a reference picture. */
  REFERENCE_LATENTS,

  /** What the vision tower sees in one; asked for only when an embedding is missing. */
  VISION_FEATURES,

  /** What the text encoder makes of a prompt and its pictures. */
  PROMPT_EMBEDS
}
