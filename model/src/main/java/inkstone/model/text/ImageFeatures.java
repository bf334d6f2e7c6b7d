package inkstone.model.text;

import inkstone.tensor.Tensor;

/**
 * A picture as the decoder reads it.
 *
 * @param embeds [gridH/merge · gridW/merge, hidden], from {@link VisionTower#forward}
 * @param gridH patches from top to bottom
 * @param gridW patches from left to right
 */
public record ImageFeatures(Tensor embeds, int gridH, int gridW) {}
