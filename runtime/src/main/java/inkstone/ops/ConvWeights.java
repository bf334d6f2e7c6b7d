package inkstone.ops;

import inkstone.tensor.Tensor;

/**
 * Weights of a convolution, taps and channels in the order of a channels-last picture.
 *
 * @param weight F32 {@code [Cout, kh · kw · Cin]}
 * @param bias F32 {@code [Cout]} or null
 */
public record ConvWeights(
    Tensor weight, Tensor bias, int cout, int cin, int kernelHeight, int kernelWidth) {}
