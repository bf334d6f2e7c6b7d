package inkstone.kernel;

/**
 * One unit of attention work: query rows {@code [queryFrom, queryTo)} of one head against keys
 * {@code [keyFrom, keyTo)}.
 *
 * @param causalShift query {@code i} sees keys up to and with {@code i + causalShift}; {@link
 *     #SEES_ALL} when there is no causal mask
 */
public record AttentionBlock(
    int head, long queryFrom, long queryTo, long keyFrom, long keyTo, long causalShift) {
  /** A shift beyond every key. */
  public static final long SEES_ALL = 1L << 40;
}
