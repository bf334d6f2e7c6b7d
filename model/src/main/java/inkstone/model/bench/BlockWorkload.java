package inkstone.model.bench;

import inkstone.model.debug.Taps;
import inkstone.ops.Compute;
import inkstone.tensor.Tensor;
import java.util.List;

/**
 * One block of the transformer, timed inside a forward: from the checkpoint before it to the tap
 * behind it. With several layers a run is their mean.
 */
final class BlockWorkload implements Workload {
  private final DitRig rig;
  private final BlockClock clock = new BlockClock();

  BlockWorkload(Compute compute, BenchCase of) {
    rig = new DitRig(compute, of, of.size("text"), List.of(DitRig.grid(of.size("tokens"))));
  }

  /** Adds up the time between checkpoints and the taps of the text rows, which come last. */
  private static final class BlockClock implements Taps {
    private long started;
    private long nanos;

    @Override
    public void checkpoint() {
      started = System.nanoTime();
    }

    @Override
    public void tap(String key, Tensor value) {
      if (key.startsWith("transformer_blocks.") && key.endsWith(".txt")) {
        nanos += System.nanoTime() - started;
      }
    }
  }

  @Override
  public double run() {
    clock.nanos = 0;
    rig.forward(clock);
    return clock.nanos / 1e9 / rig.config().numLayers();
  }

  @Override
  public void check() {
    rig.check();
  }

  @Override
  public double flop() {
    return rig.blockFlop();
  }

  @Override
  public double bytes() {
    return rig.weights().bytes("transformer_blocks.0.")
        + 8.0 * rig.tokens() * rig.config().innerDim();
  }

  @Override
  public long mappedBytes() {
    return rig.weights().bytes();
  }

  @Override
  public void close() {
    rig.close();
  }
}
