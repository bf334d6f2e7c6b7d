package inkstone.loader.gguf;

import inkstone.tensor.DType;
import inkstone.tensor.Shape;

/**
 * One tensor of a header, checked.
 *
 * @param shape row-major as in PyTorch: the reverse of the order in the file
 * @param begin first byte, counted from the start of the file
 * @param end byte after the last
 */
public record GgufEntry(String name, DType dtype, Shape shape, long begin, long end) {
  public long bytes() {
    return end - begin;
  }
}
