package inkstone.ops;

import inkstone.tensor.Tensor;

/** Classifier-free guidance. */
public final class Guidance {
  private static final String OP = "Guidance";

  private Guidance() {}

  /**
   * True CFG of the Qwen-Image pipelines, in place: comb = negative + scale · (positive −
   * negative), then positive = comb · ‖positive‖ / ‖comb‖ with the norms of each token.
   *
   * @param positive [tokens, C], becomes the guided prediction
   * @param negative [tokens, C]
   */
  public static void trueCfg(Compute c, Tensor positive, Tensor negative, float scale) {
    Check.f32(OP, "positive", positive);
    Check.atLeastRank(OP, "positive", positive, 1);
    Check.sameShape(OP, "negative", negative, "positive", positive);
    Check.disjoint(OP, positive, negative);
    int channels = Check.size(OP, "last dimension of positive", positive.dim(-1), positive);
    long to = positive.address();
    long from = negative.address();
    c.forRange(
        positive.elements() / channels,
        Elementwise.rowGranule(channels),
        (worker, first, last) ->
            c.kernels()
                .trueCfg(
                    to + first * channels * 4,
                    from + first * channels * 4,
                    scale,
                    last - first,
                    channels));
  }
}
