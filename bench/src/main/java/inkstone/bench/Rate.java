package inkstone.bench;

import org.openjdk.jmh.annotations.AuxCounters;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

/** Work done, which JMH prints as a rate: GFLOP/s and GB/s beside operations a second. */
@AuxCounters(AuxCounters.Type.OPERATIONS)
@State(Scope.Thread)
public class Rate {
  /** 10⁹ additions and multiplications. */
  public double gflop;

  /** 10⁹ bytes that had to be read or written once. */
  public double gbyte;

  /** Starts a new iteration. */
  @Setup(Level.Iteration)
  public void reset() {
    gflop = 0;
    gbyte = 0;
  }
}
