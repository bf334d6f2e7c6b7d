package inkstone.model.bench;

import inkstone.model.debug.Taps;
import inkstone.model.dit.LatentGrid;
import inkstone.ops.Compute;
import java.util.List;

/** A whole forward of the transformer, as a step of an edit without guidance does it. */
final class StepWorkload implements Workload {
  private final DitRig rig;
  private final StepParts parts;

  StepWorkload(Compute compute, BenchCase of) {
    List<LatentGrid> images = DitRig.images(of);
    rig = new DitRig(compute, of, false, of.size("text"), images);
    parts = new StepParts(compute, rig, of.size("text"), images);
  }

  @Override
  public double run() {
    return Workload.seconds(() -> rig.forward(Taps.NONE));
  }

  @Override
  public void check() {
    rig.check();
  }

  @Override
  public double flop() {
    return rig.blockFlop() * rig.config().numLayers() + parts.edgeFlop();
  }

  @Override
  public double bytes() {
    return rig.weights().bytes()
        + 8.0 * rig.tokens() * rig.config().innerDim() * rig.config().numLayers();
  }

  @Override
  public List<Part> parts() {
    return parts.list();
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
