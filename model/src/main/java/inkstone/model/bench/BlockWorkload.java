package inkstone.model.bench;

import inkstone.ops.Compute;
import java.util.List;

/**
 * One block of the transformer, timed inside a forward: from the checkpoint before it to the tap
 * behind it. With several layers a run is their mean.
 */
final class BlockWorkload implements Workload {
  private final DitRig rig;
  private final BlockClock clock = new BlockClock();

  BlockWorkload(Compute compute, BenchCase of) {
    rig = new DitRig(compute, of, false, of.size("text"), List.of(DitRig.grid(of.size("tokens"))));
  }

  @Override
  public double run() {
    clock.reset();
    rig.forward(clock);
    return clock.seconds() / rig.config().numLayers();
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
