package inkstone.model.pipeline;

import inkstone.loader.config.TransformerConfig;
import inkstone.loader.form.PartSource;
import java.util.Map;

/** Whether references are modulated as at timestep 0, as Qwen-Image-Edit-2511 was trained. */
public enum ZeroCondT {
  /** As the model's files say. */
  AUTO,
  ON,
  OFF;

  /**
   * What was decided.
   *
   * @param on whether references are modulated as at timestep 0
   * @param from what said so, in words
   */
  public record Choice(boolean on, String from) {}

  /**
   * What a transformer's files say: the marker in its weights, config.json, metadata, in this
   * order.
   *
   * @param config as it was read
   * @param fromFile whether that was a config.json
   */
  public static Choice said(PartSource source, TransformerConfig config, boolean fromFile) {
    if (source.marksTimestepZero()) {
      return new Choice(
          true, "the marker " + PartSource.TIMESTEP_ZERO_MARKER + " in the diffusion model");
    }
    if (fromFile) {
      return new Choice(config.zeroCondT(), "config.json");
    }
    for (Map.Entry<String, String> entry : source.metadata().entrySet()) {
      if (entry.getKey().equals("zero_cond_t") || entry.getKey().endsWith(".zero_cond_t")) {
        boolean on = entry.getValue().equalsIgnoreCase("true") || entry.getValue().equals("1");
        return new Choice(on, entry.getKey() + " in the diffusion model's metadata");
      }
    }
    return PartConfig.text(source) != null
        ? new Choice(config.zeroCondT(), "the config in the diffusion model's metadata")
        : new Choice(false, "nothing in the diffusion model says otherwise");
  }
}
