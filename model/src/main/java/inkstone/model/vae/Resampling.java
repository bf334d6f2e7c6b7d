package inkstone.model.vae;

import inkstone.loader.CheckpointException;
import inkstone.loader.Weights;
import inkstone.tensor.Tensor;

/** Whether a resampling block also changes the number of frames when there is more than one. */
enum Resampling {
  SPATIAL,
  SPATIAL_AND_TEMPORAL;

  static Resampling of(boolean temporal) {
    return temporal ? SPATIAL_AND_TEMPORAL : SPATIAL;
  }

  /** Checks the shapes of a temporal convolution that one frame never reaches. */
  void lookUpTimeConv(Weights at, int in, int out) throws CheckpointException {
    if (this == SPATIAL_AND_TEMPORAL) {
      Tensor weight = at.optional("time_conv.weight", out, in, 3, 1, 1);
      if (weight != null) {
        at.tensor("time_conv.bias", out);
      }
    }
  }
}
