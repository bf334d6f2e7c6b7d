package inkstone.kernel;

import java.util.List;

/**
 * Operands of one attention call: {@code q, out [Sq, heads, headDim]}, F32, and Sk keys and values.
 *
 * @param segments where the keys and values lie: in order, without gaps, from 0 to Sk
 * @param keyBias address of Sk floats added to the scaled scores (0 or -infinity), or 0
 */
public record AttentionArgs(
    long out,
    long q,
    List<KeySegment> segments,
    long keyBias,
    int heads,
    int kvHeads,
    int headDim,
    float scale) {

  /** Number of the segment that holds {@code key}. */
  int segmentOf(long key) {
    int i = 0;
    while (key >= segments.get(i).to()) {
      i++;
    }
    return i;
  }

  /** Elements from the start of {@code segment} to head {@code kvHead} of {@code key}. */
  long offset(KeySegment segment, long key, int kvHead) {
    return ((key - segment.from()) * kvHeads + kvHead) * headDim;
  }
}
