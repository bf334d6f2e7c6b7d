package inkstone.model.kv;

/**
 * What an edit reuses of its references over the denoising steps. See docs/kv-cache.md for what
 * each costs in quality.
 */
public sealed interface KvPolicy {
  /** Never refresh again. */
  int NEVER = Integer.MAX_VALUE;

  /** As many layers as there are. */
  int LAST_LAYER = Integer.MAX_VALUE;

  /** Decided when the checkpoint is known. */
  record Auto() implements KvPolicy {}

  /** Computes everything anew each step. */
  record Off() implements KvPolicy {}

  /** Keeps only what cannot differ, and leaves out what nobody reads. Same bits as {@link Off}. */
  record Exact() implements KvPolicy {}

  /**
   * Full steps at the refresh steps, steps with kept keys and values between them.
   *
   * @param warmup full steps at the start, 1 or more
   * @param every steps from one refresh to the next, 1 or more; {@link #NEVER} for none
   * @param firstLayer first layer that reuses, from 0
   * @param lastLayer last layer that reuses, inclusive; {@link #LAST_LAYER} for all
   */
  record Anchored(int warmup, int every, int firstLayer, int lastLayer) implements KvPolicy {
    /** What {@code warmup} is where a user does not say. */
    public static final int DEFAULT_WARMUP = 1;

    /** What {@code every} is where a user does not say. */
    public static final int DEFAULT_EVERY = 2;

    public Anchored {
      requireAtLeast("anchored: warmup", warmup, 1);
      requireAtLeast("anchored: every", every, 1);
      requireAtLeast("anchored: first layer", firstLayer, 0);
      requireAtLeast("anchored: last layer", lastLayer, firstLayer);
    }
  }

  /**
   * After the warm-up each step computes every G-th reference row through all layers and keeps it
   * in place of the older one, so that none is older than G steps.
   *
   * @param groups G; 1 computes all rows each step
   * @param warmup full steps at the start, 1 or more
   */
  record Rolling(int groups, int warmup) implements KvPolicy {
    /** What {@code groups} are where a user does not say. */
    public static final int DEFAULT_GROUPS = 2;

    /** What {@code warmup} is where a user does not say. */
    public static final int DEFAULT_WARMUP = 1;

    /** More groups than steps would refresh nothing. */
    public static final int MAX_GROUPS = 1000;

    public Rolling {
      requireAtLeast("rolling: groups", groups, 1);
      requireAtLeast("rolling: warmup", warmup, 1);
      if (groups > MAX_GROUPS) {
        throw new IllegalArgumentException(
            "rolling: groups, expected at most "
                + MAX_GROUPS
                + ", got "
                + groups
                + "; anchored refreshes nothing");
      }
    }
  }

  /**
   * Rolling whose next slice is as large as the drift demands that the slices before it measured.
   *
   * @param budget mean relative error of the kept keys and values that is allowed, 0 or more; 0
   *     computes all rows each step
   */
  record Adaptive(double budget) implements KvPolicy {
    /** What {@code budget} is where a user does not say. */
    public static final double DEFAULT_BUDGET = 0.02;

    public Adaptive {
      if (!(budget >= 0 && budget < Double.POSITIVE_INFINITY)) {
        throw new IllegalArgumentException(
            "adaptive: budget, expected a number of 0 or more, got " + budget + "; try 0.1");
      }
    }
  }

  /**
   * Keys and values of each reference from a pass over it alone, before the first step. Exact for
   * checkpoints trained with such a mask, refused for others.
   *
   * @param bank keep them for later edits of the same references
   */
  record Causal(boolean bank) implements KvPolicy {}

  /**
   * {@link Causal} where the checkpoint declares a mask that makes it exact, else {@link Exact}.
   */
  static KvPolicy auto() {
    return new Auto();
  }

  static KvPolicy off() {
    return new Off();
  }

  static KvPolicy exact() {
    return new Exact();
  }

  /** The published scheme: keys and values of the first step serve all later ones. */
  static KvPolicy anchored() {
    return new Anchored(1, NEVER, 0, LAST_LAYER);
  }

  /** Whether the picture may differ from that of {@link Off}. */
  default boolean lossy() {
    return switch (this) {
      case Auto a -> false;
      case Off o -> false;
      case Exact e -> false;
      case Causal c -> false;
      case Anchored a -> a.every() > 1;
      case Rolling r -> r.groups() > 1;
      case Adaptive a -> a.budget() > 0;
    };
  }

  /** Its name on the command line. */
  default String word() {
    return switch (this) {
      case Auto a -> "auto";
      case Off o -> "off";
      case Exact e -> "exact";
      case Anchored a -> "anchored";
      case Rolling r -> "rolling";
      case Adaptive a -> "adaptive";
      case Causal c -> "causal";
    };
  }

  /** Whether keys and values are kept from step to step. */
  default boolean keepsKeys() {
    return lossy() || this instanceof Causal;
  }

  private static void requireAtLeast(String what, int value, int least) {
    if (value < least) {
      throw new IllegalArgumentException(
          what + ", expected " + least + " or more, got " + value + "; give more");
    }
  }
}
