package inkstone.model.text;

import inkstone.memory.TensorArena;
import inkstone.tensor.Tensor;

/**
 * Cosines and sines of rotary angles, one row a token. Angles are products of two floats, as in
 * PyTorch.
 *
 * @param cos [S, headDim/2]
 * @param sin [S, headDim/2]
 */
record RotaryTable(Tensor cos, Tensor sin) {

  /** theta^(−2i/dim) for i below dim/2. */
  static float[] inverseFrequencies(double theta, int dim) {
    float[] frequencies = new float[dim / 2];
    for (int i = 0; i < frequencies.length; i++) {
      float exponent = (float) (2 * i) / dim;
      frequencies[i] = 1f / (float) Math.pow(theta, exponent);
    }
    return frequencies;
  }

  /** Room for the table of so many tokens. */
  static RotaryTable allocate(TensorArena arena, String name, int tokens, int pairs) {
    return new RotaryTable(
        Tensor.f32(arena, name + ".cos", tokens, pairs),
        Tensor.f32(arena, name + ".sin", tokens, pairs));
  }

  /**
   * The table for given positions.
   *
   * @param frequencies one a channel pair
   * @param positions [axis][token]
   * @param axisOf which axis turns a channel pair
   */
  static RotaryTable of(
      TensorArena arena, String name, float[] frequencies, int[][] positions, int[] axisOf) {
    int tokens = positions[0].length;
    int pairs = frequencies.length;
    RotaryTable table = allocate(arena, name, tokens, pairs);
    for (int token = 0; token < tokens; token++) {
      for (int i = 0; i < pairs; i++) {
        float angle = positions[axisOf[i]][token] * frequencies[i];
        table.cos.setFloat((long) token * pairs + i, (float) Math.cos(angle));
        table.sin.setFloat((long) token * pairs + i, (float) Math.sin(angle));
      }
    }
    return table;
  }
}
