package inkstone.model.pipeline;

import inkstone.model.kv.KvDtype;
import inkstone.model.kv.KvPolicy;

/**
 * What an edit reuses of its references from step to step.
 *
 * @param policy what is reused, and when it is computed anew
 * @param dtype how kept keys and values are stored
 * @param maxBytes most memory for them; beyond it they fall to a smaller type, then to computing
 *     everything. 0: what the machine can spare
 */
public record RefCache(KvPolicy policy, KvDtype dtype, long maxBytes) {
  /** Nothing that could change a picture. */
  public static final RefCache DEFAULT = new RefCache(KvPolicy.auto(), KvDtype.F32, 0);

  public RefCache {
    if (policy == null || dtype == null) {
      throw new IllegalArgumentException(
          "ref cache: policy and dtype, expected both, got "
              + policy
              + " and "
              + dtype
              + "; RefCache.DEFAULT changes no picture");
    }
    if (maxBytes < 0) {
      throw new IllegalArgumentException(
          "ref cache: max bytes, expected 0 or more, got "
              + maxBytes
              + "; 0 leaves it to Inkstone");
    }
  }

  /** The default with another policy. */
  public static RefCache of(KvPolicy policy) {
    return new RefCache(policy, KvDtype.F32, 0);
  }

  public RefCache withDtype(KvDtype other) {
    return new RefCache(policy, other, maxBytes);
  }

  public RefCache withMaxBytes(long bytes) {
    return new RefCache(policy, dtype, bytes);
  }
}
