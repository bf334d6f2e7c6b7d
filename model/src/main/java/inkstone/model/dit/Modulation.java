package inkstone.model.dit;

import inkstone.loader.CheckpointException;
import inkstone.model.lora.LoraBuffers;
import inkstone.ops.Compute;
import inkstone.tensor.Tensor;

/**
 * {@code img_mod} or {@code txt_mod} of one block: six vectors from the conditioning. Its SiLU has
 * no weights and is the same in every block, so the transformer applies it once a forward.
 */
final class Modulation {
  /** Shift, scale and gate around attention, then the same around the feed-forward. */
  static final int VECTORS = 6;

  private final LinearLayer linear; // img_mod.1

  /**
   * @param weights cursor at {@code img_mod} or {@code txt_mod}
   */
  Modulation(LayerWeights weights, long innerDim) throws CheckpointException {
    linear = weights.linear("1", innerDim, VECTORS * innerDim);
  }

  /**
   * Overwrites {@code out} for one condition.
   *
   * @param siluTemb {@code [1, D]}
   */
  void forward(Compute compute, LoraBuffers lora, Vectors out, Tensor siluTemb) {
    linear.forwardFewRows(compute, lora, out.all, siluTemb); // [1, 6·D]
  }

  /** The six vectors {@code [D]} of one condition, views of one {@code [1, 6·D]} buffer. */
  static final class Vectors {
    private final Tensor all;
    private final Tensor[] vectors = new Tensor[VECTORS];

    /**
     * @param buffer {@code [6, D]}
     */
    Vectors(Tensor buffer) {
      long channels = buffer.dim(1);
      all = buffer.view(1, VECTORS * channels);
      for (int i = 0; i < VECTORS; i++) {
        vectors[i] = buffer.rows(i, i + 1).view(channels);
      }
    }

    /** {@code [1, 6·D]}: all six one after the other. */
    Tensor all() {
      return all;
    }

    Tensor shift1() {
      return vectors[0];
    }

    Tensor scale1() {
      return vectors[1];
    }

    Tensor gate1() {
      return vectors[2];
    }

    Tensor shift2() {
      return vectors[3];
    }

    Tensor scale2() {
      return vectors[4];
    }

    Tensor gate2() {
      return vectors[5];
    }
  }
}
