package inkstone.model.inspect;

import inkstone.tensor.DType;
import inkstone.tensor.Shape;

/**
 * A tensor as its header describes it.
 *
 * @param shape in PyTorch's order
 * @param bytes in the file
 */
public record TensorFacts(String name, DType dtype, Shape shape, long bytes) {}
