package inkstone.kernel;

/**
 * Operands of one attention call: {@code q, out [Sq, heads, headDim]}, {@code k, v [Sk, kvHeads,
 * headDim]}, F32.
 *
 * @param keyBias address of Sk floats added to the scaled scores (0 or -infinity), or 0
 */
public record AttentionArgs(
    long out,
    long q,
    long k,
    long v,
    long keyBias,
    int heads,
    int kvHeads,
    int headDim,
    float scale) {}
