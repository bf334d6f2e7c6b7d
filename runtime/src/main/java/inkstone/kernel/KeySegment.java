package inkstone.kernel;

/**
 * Keys {@code [from, to)} of an attention call and their values, {@code [to - from, kvHeads,
 * headDim]} each, in storage of their own.
 *
 * @param k address of the first key
 * @param v address of the first value
 */
public record KeySegment(
    long k, ElementType kType, long v, ElementType vType, long from, long to) {}
