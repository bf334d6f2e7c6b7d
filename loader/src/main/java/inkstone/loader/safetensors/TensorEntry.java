package inkstone.loader.safetensors;

import inkstone.tensor.DType;
import inkstone.tensor.Shape;

/**
 * One tensor of a header, checked.
 *
 * @param begin first byte, counted from the start of the data
 * @param end byte after the last
 */
public record TensorEntry(String name, DType dtype, Shape shape, long begin, long end) {
  public long bytes() {
    return end - begin;
  }
}
