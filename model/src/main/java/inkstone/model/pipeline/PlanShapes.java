package inkstone.model.pipeline;

import inkstone.loader.config.TextEncoderConfig;
import inkstone.loader.config.TransformerConfig;
import inkstone.loader.config.VaeConfig;

/**
 * The dimensions at which rates are measured.
 *
 * @param patches of the first picture that the vision tower sees; 0 when there is none
 */
public record PlanShapes(
    TransformerConfig transformer, TextEncoderConfig text, VaeConfig vae, int patches) {}
