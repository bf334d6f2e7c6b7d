package inkstone.model.kv;

/**
 * Counts what the blocks of forward passes really do. A block over q query rows and k keys of D
 * channels costs {@code 24·D²·q + 4·D·q·k} operations when all its rows are projected and go on.
 */
public final class PassCounter {
  private double flop;
  private double attentionFlop;
  private long rowsComputed;
  private long rowsReused;
  private long modulations;

  /**
   * Linear layers of one block.
   *
   * @param innerDim D
   * @param projected rows whose keys and values were projected
   * @param queries rows whose queries were projected
   * @param onward rows that went through the attention's output and the feed-forward
   * @param reused rows of the sequence that were not projected
   */
  public void block(long innerDim, long projected, long queries, long onward, long reused) {
    double square = (double) innerDim * innerDim;
    flop += square * (4.0 * projected + 2.0 * queries + 18.0 * onward);
    rowsComputed += projected;
    rowsReused += reused;
  }

  /** Attention of some queries to some keys. */
  public void attention(long innerDim, long queries, long keys) {
    double more = 4.0 * innerDim * queries * keys;
    flop += more;
    attentionFlop += more;
  }

  /** One modulation was computed. */
  public void modulation() {
    modulations++;
  }

  /** Operations of linear layers and attention of the blocks; modulations are not in it. */
  public double flop() {
    return flop;
  }

  /** The part of {@link #flop} that is attention. */
  public double attentionFlop() {
    return attentionFlop;
  }

  /** Rows whose keys and values were computed, summed over blocks. */
  public long rowsComputed() {
    return rowsComputed;
  }

  /** Rows of the sequence that blocks did not compute, summed over blocks. */
  public long rowsReused() {
    return rowsReused;
  }

  /** Modulations that were computed, summed over blocks. */
  public long modulations() {
    return modulations;
  }
}
