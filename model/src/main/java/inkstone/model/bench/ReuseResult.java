package inkstone.model.bench;

/**
 * Loops that took turns, a step each: without reuse, with kept keys and values alone, and as an
 * edit runs under the policy, which also takes what is exact ({@code ExactMemo}) and leaves out the
 * dead tail of the last block. The tail is one block of however many there are: over few layers
 * that saves a multiple of what it saves over sixty, so formulas are held against kept keys alone.
 *
 * @param tokens N
 * @param references R
 * @param off without reuse
 * @param keys kept keys and values alone; null when the policy keeps none
 * @param edit as an edit runs; null when the policy is off
 * @param formulaBytes {@code layers · 2 · R · D · bytes}, with scales; 0 when none are kept
 * @param formulaFlop operations of the loop with kept keys, {@code Σ 24·D²·q + 4·D·q·N}; 0 when
 *     none are kept
 */
public record ReuseResult(
    ReuseCase of,
    long tokens,
    long references,
    ReuseFigures off,
    ReuseFigures keys,
    ReuseFigures edit,
    long formulaBytes,
    double formulaFlop) {
  /** The loop that is held against the formulas; null when the policy is off. */
  public ReuseFigures measured() {
    return keys == null ? edit : keys;
  }

  /** R/N: what a step saves that computes no reference row. */
  public double rowsShare() {
    return (double) references / tokens;
  }

  /** Share of a full step's time that a reusing step saves. */
  public double saved(ReuseFigures loop) {
    return 1 - loop.reusing().median() / off.full().median();
  }

  /**
   * The same of the blocks alone, without embedding and output, which cost the same beside two
   * blocks or sixty.
   */
  public double blocksSaved(ReuseFigures loop) {
    return 1 - loop.reusing().blocks().median() / off.full().blocks().median();
  }

  /** Share of a full step's operations that a reusing step saves, as counted. */
  public double flopShare(ReuseFigures loop) {
    return 1 - loop.reusingFlop() / (off.flop() / off.steps());
  }

  /** Share of the time without reuse that the loop saves. */
  public double loopSaved(ReuseFigures loop) {
    return 1 - loop.loop().median() / off.loop().median();
  }

  /** The same of the blocks alone. */
  public double loopBlocksSaved(ReuseFigures loop) {
    return 1 - loop.loop().blocks().median() / off.loop().blocks().median();
  }

  /** Share of the operations without reuse that the loop saves, as counted. */
  public double loopFlopShare(ReuseFigures loop) {
    return 1 - loop.flop() / off.flop();
  }

  /** The same by the formula, for kept keys alone. */
  public double formulaShare() {
    return 1 - formulaFlop / off.flop();
  }

  /** How much longer a full step takes when it keeps its keys and values. */
  public double keepingShare() {
    return keys.full().median() / off.full().median() - 1;
  }
}
