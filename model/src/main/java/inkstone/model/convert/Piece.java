package inkstone.model.convert;

import inkstone.loader.write.TensorSpec;
import inkstone.tensor.DType;
import inkstone.tensor.Shape;
import inkstone.tensor.Tensor;

/**
 * One tensor to write.
 *
 * @param name as it is written
 * @param shape as it is written, with the elements of {@code source} in their order
 * @param where file of the source, for messages
 */
record Piece(String name, DType dtype, Shape shape, Tensor source, String where) {
  TensorSpec spec() {
    return new TensorSpec(name, dtype, shape);
  }

  /** Whether the stored bytes are those to write. */
  boolean isCopy() {
    return source.dtype() == dtype && source.scale() == 1;
  }
}
