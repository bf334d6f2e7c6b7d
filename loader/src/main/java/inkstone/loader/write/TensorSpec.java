package inkstone.loader.write;

import inkstone.tensor.DType;
import inkstone.tensor.Shape;

/** A tensor that will be written. */
public record TensorSpec(String name, DType dtype, Shape shape) {
  public TensorSpec {
    long row = shape.rank() == 0 ? 1 : shape.dim(-1);
    if (row % dtype.blockElements() != 0) {
      throw new IllegalArgumentException(
          "TensorSpec: last dimension of "
              + dtype
              + ", expected a multiple of its block of "
              + dtype.blockElements()
              + ", got "
              + shape
              + " ("
              + name
              + "); store this tensor in another type");
    }
  }

  /** Bytes of its data. */
  public long bytes() {
    return dtype.bytes(shape.elements());
  }
}
