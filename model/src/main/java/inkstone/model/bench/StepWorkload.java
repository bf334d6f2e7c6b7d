package inkstone.model.bench;

import inkstone.model.debug.Taps;
import inkstone.model.dit.LatentGrid;
import inkstone.ops.Compute;
import java.util.ArrayList;
import java.util.List;

/** A whole forward of the transformer, as a step of an edit without guidance does it. */
final class StepWorkload implements Workload {
  private static final int PIXELS_PER_TOKEN = 16;

  private final DitRig rig;
  private final StepParts parts;

  StepWorkload(Compute compute, BenchCase of) {
    int side = of.size("size") / PIXELS_PER_TOKEN;
    if (side < 1) {
      throw new IllegalArgumentException(
          "bench step: size, expected 16 pixels or more, got " + of.size("size") + "; give more");
    }
    List<LatentGrid> images = new ArrayList<>();
    for (int image = 0; image <= of.size("refs"); image++) {
      images.add(new LatentGrid(side, side));
    }
    rig = new DitRig(compute, of, of.size("text"), images);
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
