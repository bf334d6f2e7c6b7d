package inkstone.model.pipeline;

import inkstone.loader.config.ReferenceMask;
import inkstone.loader.config.TransformerConfig;
import inkstone.model.dit.LatentGrid;
import inkstone.model.kv.KvDtype;
import inkstone.model.kv.KvLayout;
import inkstone.model.kv.KvPolicy;
import java.util.List;
import java.util.Locale;

/**
 * What a run will reuse: a request's wish after the model and the machine's memory had their say.
 *
 * @param policy never {@link KvPolicy.Auto}; without references never one that keeps keys
 * @param dtype how kept keys and values are stored
 * @param memo whether exact things are kept; off never does
 * @param bytes what all of it takes
 */
record ReuseChoice(KvPolicy policy, KvDtype dtype, boolean memo, long bytes) {
  /**
   * Fits the wish to the model and the memory. What had to give way is said in a warning.
   *
   * @param textTokens of each branch
   * @param spareBytes what the machine can give beside the run itself
   */
  static ReuseChoice of(
      List<String> warnings,
      Denoiser denoiser,
      RefCache wish,
      List<Integer> textTokens,
      List<LatentGrid> grids,
      long spareBytes) {
    TransformerConfig config = denoiser.config();
    KvPolicy policy = resolve(warnings, wish.policy(), config, grids.size() - 1);
    long memoBytes = denoiser.memoBytes(textTokens, grids);
    boolean memo = !(policy instanceof KvPolicy.Off) && memoBytes <= spareBytes;
    if (!memo) {
      if (!(policy instanceof KvPolicy.Off)) {
        warnings.add(
            String.format(
                Locale.ROOT,
                "ref cache: what never changes needs %.1f MiB, %.1f MiB are to spare; computing it"
                    + " anew in each step",
                memoBytes / (double) (1 << 20),
                spareBytes / (double) (1 << 20)));
      }
      memoBytes = 0;
    }
    if (!policy.keepsKeys()) {
      return new ReuseChoice(memo ? policy : KvPolicy.off(), wish.dtype(), memo, memoBytes);
    }
    long limit = spareBytes - memoBytes;
    if (wish.maxBytes() > 0) {
      limit = Math.min(limit, wish.maxBytes());
    }
    int stores = policy instanceof KvPolicy.Causal ? 1 : textTokens.size();
    KvDtype dtype = wish.dtype();
    long bytes = stores * layout(config, policy, dtype, grids).bytes();
    // What auto chose must not change the picture; what was asked for may, with a warning.
    boolean mayNarrow = !(wish.policy() instanceof KvPolicy.Auto);
    while (bytes > limit && mayNarrow && dtype.smaller() != dtype) {
      dtype = dtype.smaller();
      bytes = stores * layout(config, policy, dtype, grids).bytes();
    }
    if (bytes > limit) {
      warnings.add(
          String.format(
              Locale.ROOT,
              "ref cache: %s needs %.1f MiB as %s, %.1f MiB are allowed; computing everything",
              policy.word(),
              bytes / (double) (1 << 20),
              word(dtype),
              limit / (double) (1 << 20)));
      return new ReuseChoice(memo ? KvPolicy.exact() : KvPolicy.off(), dtype, memo, memoBytes);
    }
    if (dtype != wish.dtype()) {
      warnings.add(
          String.format(
              Locale.ROOT,
              "ref cache: kept as %s in place of %s to stay within %.1f MiB",
              word(dtype),
              word(wish.dtype()),
              limit / (double) (1 << 20)));
    }
    return new ReuseChoice(policy, dtype, memo, bytes + memoBytes);
  }

  /** The same with nothing that an earlier run has kept. */
  ReuseChoice withoutBank() {
    return policy instanceof KvPolicy.Causal
        ? new ReuseChoice(new KvPolicy.Causal(false), dtype, memo, bytes)
        : this;
  }

  /** Everything anew. */
  static ReuseChoice off() {
    return new ReuseChoice(KvPolicy.off(), KvDtype.F32, false, 0);
  }

  /** Most that the wish could take. */
  static long wantedBytes(
      Denoiser denoiser, RefCache wish, List<Integer> textTokens, List<LatentGrid> grids) {
    long bytes = denoiser.memoBytes(textTokens, grids);
    if (grids.size() > 1 && (wish.policy().keepsKeys() || wish.policy() instanceof KvPolicy.Auto)) {
      KvLayout all = layout(denoiser.config(), KvPolicy.anchored(), wish.dtype(), grids);
      bytes = Math.addExact(bytes, Math.multiplyExact(textTokens.size(), all.withResume().bytes()));
    }
    return bytes;
  }

  /**
   * Refuses a policy that the model can't run, which needs nothing but its config.
   *
   * @throws UnfitModelException saying what would run
   */
  static void requireFit(KvPolicy policy, TransformerConfig config) {
    if (policy instanceof KvPolicy.Causal && !causal(config)) {
      throw new UnfitModelException(
          "ref cache: causal needs a checkpoint trained with a mask of its references"
              + " (reference_mask \"self\" and zero_cond_t in transformer/config.json), this one"
              + " declares none; use exact, or anchored with a loss");
    }
    if (policy instanceof KvPolicy.Anchored anchored
        && anchored.firstLayer() >= config.numLayers()) {
      throw new UnfitModelException(
          "ref cache: anchored layers "
              + anchored.firstLayer()
              + " and up, expected a first layer below "
              + config.numLayers()
              + "; the model has no more");
    }
  }

  /** Whether {@link #requireFit} lets the policy through. */
  static boolean fits(KvPolicy policy, TransformerConfig config) {
    try {
      requireFit(policy, config);
      return true;
    } catch (UnfitModelException e) {
      return false;
    }
  }

  private static boolean causal(TransformerConfig config) {
    return config.referenceMask() == ReferenceMask.SELF && config.zeroCondT();
  }

  private static KvPolicy resolve(
      List<String> warnings, KvPolicy wish, TransformerConfig config, int references) {
    requireFit(wish, config);
    if (references == 0) {
      return wish instanceof KvPolicy.Off ? wish : KvPolicy.exact();
    }
    if (wish instanceof KvPolicy.Auto) {
      return causal(config) ? new KvPolicy.Causal(true) : KvPolicy.exact();
    }
    if (wish.lossy() && !config.zeroCondT()) {
      warnings.add(
          "ref cache: this model modulates its references with the timestep (no zero_cond_t), so "
              + wish.word()
              + " loses more than on models that don't");
    }
    return wish;
  }

  /**
   * Whether the picture may differ from that of policy off: rows of other steps, or rounded ones.
   */
  boolean approximate() {
    return policy.lossy() || policy.keepsKeys() && dtype != KvDtype.F32;
  }

  /** Layout of one branch's cache of all references. */
  static KvLayout layout(
      TransformerConfig config, KvPolicy policy, KvDtype dtype, List<LatentGrid> grids) {
    long rows = grids.stream().skip(1).mapToLong(LatentGrid::tokens).sum();
    return layout(config, policy, dtype, rows);
  }

  static KvLayout layout(TransformerConfig config, KvPolicy policy, KvDtype dtype, long rows) {
    int last = config.numLayers() - 1;
    int first = 0;
    boolean resumes = false;
    if (policy instanceof KvPolicy.Anchored anchored) {
      first = anchored.firstLayer();
      resumes = anchored.lastLayer() < last;
      last = Math.min(last, anchored.lastLayer());
    }
    return new KvLayout(
        first, last, rows, config.numAttentionHeads(), config.attentionHeadDim(), dtype, resumes);
  }

  private static String word(KvDtype dtype) {
    return dtype.name().toLowerCase(Locale.ROOT);
  }
}
