package inkstone.model.bench;

import inkstone.loader.config.TextConfig;
import inkstone.loader.config.VisionConfig;

/** Operations of the two halves of the text encoder. */
public final class TextFlop {
  private TextFlop() {}

  /** The decoder over so many tokens, each of which sees those before it. */
  public static double decoder(double tokens, TextConfig c) {
    double hidden = c.hiddenSize();
    double keys = (double) c.numKeyValueHeads() * c.headDim();
    double weights = 2 * hidden * hidden + 2 * hidden * keys + 3 * hidden * c.intermediateSize();
    double pairs = tokens * (tokens + 1) / 2; // causal
    return c.numHiddenLayers() * (2 * tokens * weights + 4 * pairs * hidden);
  }

  /**
   * The vision tower over one picture. Windows at the border may be smaller, which is counted as
   * full.
   *
   * @param gridH patches from top to bottom
   * @param gridW patches from left to right
   */
  public static double vision(int gridH, int gridW, VisionConfig c) {
    double patches = (double) gridH * gridW;
    double hidden = c.hiddenSize();
    double window = (double) c.windowSize() / c.patchSize();
    double block = 4 * hidden * hidden + 3 * hidden * c.intermediateSize();
    double merge = (double) c.spatialMergeSize() * c.spatialMergeSize();
    double features =
        (double) c.inChannels() * c.temporalPatchSize() * c.patchSize() * c.patchSize();
    double merged = hidden * merge;
    double whole = c.fullattBlockIndexes().stream().filter(i -> i < c.depth()).count();
    double seen = whole * patches + (c.depth() - whole) * Math.min(patches, window * window);
    return 2 * patches * features * hidden
        + c.depth() * 2 * patches * block
        + 4 * patches * seen * hidden
        + 2 * patches / merge * (merged * merged + merged * c.outHiddenSize());
  }
}
