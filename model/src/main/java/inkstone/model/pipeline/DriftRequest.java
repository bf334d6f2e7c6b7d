package inkstone.model.pipeline;

import inkstone.model.kv.KvPolicy;

/**
 * Measure what reuse costs in quality.
 *
 * @param edit the edit, with the reuse under test as its {@link EditRequest#refCache}; {@link
 *     KvPolicy.Anchored} with its defaults when it has none
 */
public record DriftRequest(EditRequest edit) {
  private static final KvPolicy DEFAULT =
      new KvPolicy.Anchored(
          KvPolicy.Anchored.DEFAULT_WARMUP,
          KvPolicy.Anchored.DEFAULT_EVERY,
          0,
          KvPolicy.LAST_LAYER);

  public DriftRequest {
    if (edit.refCache() == null) {
      edit = edit.withRefCache(RefCache.of(DEFAULT));
    }
  }
}
