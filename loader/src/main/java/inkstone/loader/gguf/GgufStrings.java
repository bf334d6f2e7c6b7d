package inkstone.loader.gguf;

import java.lang.foreign.MemorySegment;
import java.util.Iterator;
import java.util.NoSuchElementException;

/**
 * An array of strings, left in the mapped file and decoded while it is walked: a tokenizer has
 * 150,000 tokens and as many merges. It must not be used after the file's arena is closed.
 */
public final class GgufStrings implements Iterable<String> {
  private final MemorySegment file;
  private final long offset;
  private final int size;

  GgufStrings(MemorySegment file, long offset, int size) {
    this.file = file;
    this.offset = offset;
    this.size = size;
  }

  /** How many there are. */
  public int size() {
    return size;
  }

  @Override
  public Iterator<String> iterator() {
    return new Iterator<>() {
      private long position = offset;
      private int next;

      @Override
      public boolean hasNext() {
        return next < size;
      }

      @Override
      public String next() {
        if (next == size) {
          throw new NoSuchElementException("GgufStrings: the array has " + size + " strings");
        }
        next++;
        int bytes = (int) file.get(HeaderCursor.LONG, position);
        position += 8L + bytes;
        return GgufText.decode(file, position - bytes, bytes);
      }
    };
  }
}
