package inkstone.tensor;

import java.util.Arrays;

/** Immutable sizes of a row-major tensor; all arithmetic is {@code long} and checked. */
public final class Shape {
  private final long[] dims;
  private final long elements;

  private Shape(long[] dims) {
    long product = 1;
    for (long dim : dims) {
      if (dim < 0) {
        throw new IllegalArgumentException(
            "Shape: dimension is " + dim + ", expected 0 or more, in " + Arrays.toString(dims));
      }
      try {
        product = Math.multiplyExact(product, dim);
      } catch (ArithmeticException e) {
        throw new IllegalArgumentException(
            "Shape: element count overflows in " + Arrays.toString(dims), e);
      }
    }
    this.dims = dims;
    this.elements = product;
  }

  public static Shape of(long... dims) {
    return new Shape(dims.clone());
  }

  public int rank() {
    return dims.length;
  }

  /** Size of dimension {@code i}; a negative index counts from the end. */
  public long dim(int i) {
    return dims[i < 0 ? dims.length + i : i];
  }

  /** Product of all dimensions; 1 for a scalar. */
  public long elements() {
    return elements;
  }

  public long[] toArray() {
    return dims.clone();
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Shape shape && Arrays.equals(dims, shape.dims);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(dims);
  }

  @Override
  public String toString() {
    return Arrays.toString(dims);
  }
}
