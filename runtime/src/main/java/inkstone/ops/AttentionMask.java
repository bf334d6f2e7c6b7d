package inkstone.ops;

/** Which keys a query sees. */
@SuppressWarnings("ArrayRecordComponent") // masks are compared by nobody
public sealed interface AttentionMask {
  /** Every query sees every key. */
  AttentionMask NONE = new None();

  /**
   * Query {@code i} sees keys up to its own position; with fewer queries than keys the queries are
   * the last ones.
   */
  AttentionMask CAUSAL = new Causal();

  /** See {@link #NONE}. */
  record None() implements AttentionMask {}

  /** See {@link #CAUSAL}. */
  record Causal() implements AttentionMask {}

  /**
   * Block-diagonal: tokens {@code [cuSeqlens[i], cuSeqlens[i + 1])} see each other only. Rising,
   * from 0 to the token count; empty windows are allowed.
   */
  record Windows(int... cuSeqlens) implements AttentionMask {
    public Windows {
      cuSeqlens = cuSeqlens.clone();
    }

    @Override
    public int[] cuSeqlens() {
      return cuSeqlens.clone();
    }
  }

  /** All queries see the keys whose flag is true. */
  record Keys(boolean... visible) implements AttentionMask {
    public Keys {
      visible = visible.clone();
    }

    @Override
    public boolean[] visible() {
      return visible.clone();
    }
  }
}
