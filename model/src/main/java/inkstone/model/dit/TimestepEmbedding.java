package inkstone.model.dit;

import inkstone.loader.CheckpointException;
import inkstone.model.lora.LoraBuffers;
import inkstone.ops.Activations;
import inkstone.ops.Compute;
import inkstone.tensor.Tensor;

/**
 * Noise level to conditioning vector: {@code QwenTimestepProjEmbeddings} of diffusers' {@code
 * transformer_qwenimage.py}. A sinusoidal projection (256 values, cosines first) and two linear
 * layers with SiLU between, plus a learned vector when the config has {@code
 * use_additional_t_cond}.
 */
final class TimestepEmbedding {
  /** Values of the sinusoidal projection. */
  static final int PROJECTION = 256;

  /** Rows of {@code addition_t_embedding}. */
  static final int ADDITIONAL_CONDITIONS = 2;

  private static final int HALF = PROJECTION / 2;
  private static final float LOG_MAX_PERIOD = (float) -Math.log(10_000);
  private static final float SCALE = 1000;

  private final LinearLayer linear1;
  private final LinearLayer linear2;
  private final Tensor additionTEmbedding; // [2, D], or null

  /**
   * @param weights cursor at {@code time_text_embed}
   */
  TimestepEmbedding(LayerWeights weights, long innerDim, boolean useAdditionalTCond)
      throws CheckpointException {
    LayerWeights embedder = weights.at("timestep_embedder");
    linear1 = embedder.linear("linear_1", PROJECTION, innerDim);
    linear2 = embedder.linear("linear_2", innerDim, innerDim);
    additionTEmbedding =
        useAdditionalTCond
            ? weights.at("addition_t_embedding").tensor("weight", ADDITIONAL_CONDITIONS, innerDim)
            : null;
  }

  /**
   * One row of conditioning.
   *
   * @param temb {@code [1, D]}, the result
   * @param hidden {@code [1, D]}, scratch
   * @param projection {@code [1, 256]}, scratch
   * @param timestep noise level, 0 to 1
   * @param additionalTCond row of {@code addition_t_embedding}; not read when the model has none
   */
  void forward(
      Compute compute,
      LoraBuffers lora,
      Tensor temb,
      Tensor hidden,
      Tensor projection,
      float timestep,
      int additionalTCond) {
    projection.copyFrom(project(timestep)); // [1, 256]
    linear1.forwardFewRows(compute, lora, hidden, projection); // [1, D]
    Activations.silu(compute, hidden, hidden); // [1, D]
    linear2.forwardFewRows(compute, lora, temb, hidden); // [1, D]
    if (additionTEmbedding != null) {
      long channels = additionTEmbedding.dim(1);
      for (long i = 0; i < channels; i++) {
        float addition = additionTEmbedding.getFloat(additionalTCond * channels + i);
        temb.setFloat(i, temb.getFloat(i) + addition);
      }
    }
  }

  /**
   * {@code get_timestep_embedding} with {@code flip_sin_to_cos}, shift 0 and scale 1000: every
   * operation is rounded to float32 in the reference's order.
   */
  static float[] project(float timestep) {
    float[] projection = new float[PROJECTION];
    for (int i = 0; i < HALF; i++) {
      float frequency = (float) Math.exp((double) (LOG_MAX_PERIOD * i / HALF));
      double angle = SCALE * (timestep * frequency);
      projection[i] = (float) Math.cos(angle);
      projection[HALF + i] = (float) Math.sin(angle);
    }
    return projection;
  }
}
