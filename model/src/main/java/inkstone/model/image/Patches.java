package inkstone.model.image;

import inkstone.tensor.Tensor;

/**
 * A picture as the vision tower takes it.
 *
 * @param pixelValues {@code [gridH * gridW, 3 * temporalPatchSize * patchSize²]}, normalised; the
 *     patches that become one token are neighbours
 * @param gridH rows of patches
 * @param gridW columns of patches
 */
public record Patches(Tensor pixelValues, int gridH, int gridW) {}
