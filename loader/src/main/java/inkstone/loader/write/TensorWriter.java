package inkstone.loader.write;

import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * Writes the data of the tensors of one file, in the order in which they were announced. The header
 * with all offsets is there before the first of them, so a tensor may come in pieces of any size.
 */
public final class TensorWriter implements AutoCloseable {
  private final PartialFile file;
  private final List<TensorSpec> tensors;
  private final int alignment;
  private int current;
  private long left;

  private TensorWriter(PartialFile file, List<TensorSpec> tensors, int alignment) {
    this.file = file;
    this.tensors = tensors;
    this.alignment = alignment;
    this.left = tensors.isEmpty() ? 0 : tensors.getFirst().bytes();
  }

  /** A writer behind a header that is in the file already. */
  static TensorWriter behind(
      PartialFile file, MemorySegment header, List<TensorSpec> tensors, int alignment)
      throws OutputException {
    try {
      file.write(header);
    } catch (OutputException e) {
      file.close();
      throw e;
    }
    return new TensorWriter(file, tensors, alignment);
  }

  /** {@code offset}, or the next multiple of {@code alignment}. */
  static long aligned(long offset, int alignment) {
    return Math.ceilDiv(offset, (long) alignment) * alignment;
  }

  /**
   * The next bytes of the current tensor.
   *
   * @throws IllegalArgumentException when they are more than it lacks
   */
  public void write(MemorySegment bytes) throws OutputException {
    skipFinished();
    if (bytes.byteSize() > left) {
      throw new IllegalArgumentException(
          "TensorWriter.write: bytes, expected at most "
              + left
              + " of "
              + (current < tensors.size() ? tensors.get(current).name() : "nothing")
              + ", got "
              + bytes.byteSize()
              + "; cut at the end of a tensor");
    }
    file.write(bytes);
    left -= bytes.byteSize();
    skipFinished();
  }

  private void skipFinished() throws OutputException {
    while (current < tensors.size() && left == 0) {
      long padding = aligned(file.position(), alignment) - file.position();
      file.write(MemorySegment.ofArray(new byte[(int) padding]));
      current++;
      left = current < tensors.size() ? tensors.get(current).bytes() : 0;
    }
  }

  /** Bytes of the file so far. */
  public long position() {
    return file.position();
  }

  /**
   * Puts the file in its place.
   *
   * @throws IllegalStateException when a tensor is not whole
   */
  public void commit() throws OutputException {
    skipFinished();
    if (current < tensors.size()) {
      throw new IllegalStateException(
          "TensorWriter.commit: "
              + tensors.get(current).name()
              + " lacks "
              + left
              + " bytes; write all of it first");
    }
    file.commit();
  }

  /** Without a {@link #commit} before, nothing is left. */
  @Override
  public void close() {
    file.close();
  }
}
