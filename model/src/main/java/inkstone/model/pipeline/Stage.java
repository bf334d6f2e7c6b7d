package inkstone.model.pipeline;

/** The parts of a run, in order. */
public enum Stage {
  PREPARE_IMAGES,
  ENCODE_PROMPT,
  ENCODE_IMAGES,
  DENOISE,
  DECODE
}
