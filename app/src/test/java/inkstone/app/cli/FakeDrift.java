package inkstone.app.cli;

import inkstone.model.drift.DriftMap;
import inkstone.model.drift.EditedRegion;
import inkstone.model.drift.PictureErrors;
import inkstone.model.image.Image;
import inkstone.model.pipeline.CacheStats;
import inkstone.model.pipeline.DriftReport;
import inkstone.model.pipeline.DriftRequest;
import inkstone.model.pipeline.EditRequest;
import inkstone.model.pipeline.Result;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** A drift report without a model: three layers whose drift grows by step, layer and reference. */
final class FakeDrift {
  static final int LAYERS = 3;

  private FakeDrift() {}

  static double error(int step, int layer, int reference) {
    return 0.01 * step * (1 + layer) * (1 + reference);
  }

  static DriftReport report(DriftRequest request, Result policy, List<String> warnings) {
    EditRequest edit = request.edit();
    int steps = edit.sampling().steps();
    int references = edit.references().size();
    double[] errors = new double[steps * LAYERS * references];
    for (int i = 0; i < errors.length; i++) {
      errors[i] = error(i / references / LAYERS, i / references % LAYERS, i % references);
    }
    DriftMap map = new DriftMap(steps, LAYERS, references, errors);
    List<DriftReport.Step> all = new ArrayList<>();
    List<Double> velocity = new ArrayList<>();
    for (int i = 0; i < steps; i++) {
      velocity.add(0.001 * i);
      all.add(new DriftReport.Step(1 - i / (double) steps, 0.001 * i, 0.002 * i));
    }
    List<String> plans = new ArrayList<>(Collections.nCopies(steps, "cached"));
    plans.set(0, "full");
    List<DriftReport.Branch> branches = new ArrayList<>();
    branches.add(new DriftReport.Branch("prompt", plans, velocity, map, map));
    if (edit.sampling().cfgScale() > 1) {
      branches.add(new DriftReport.Branch("negative_prompt", plans, velocity, map, map));
    }
    Image off = policy.image();
    Image source = Image.blank(off.width(), off.height());
    source.rgb()[0] = 100;
    Image changed = Image.blank(off.width(), off.height());
    changed.rgb()[3] = 20;
    EditedRegion region = EditedRegion.of(source, off);
    CacheStats cache = policy.cacheStats();
    return new DriftReport(
        "Fake",
        edit.refCache(),
        cache,
        all,
        branches,
        new DriftReport.Picture(
            steps, cache.flop(), 0.002, changed, PictureErrors.of(changed, off, region)),
        new DriftReport.Picture(
            steps, cache.flopOff(), 0.0001, off, PictureErrors.of(off, off, region)),
        new DriftReport.Picture(1, 100, 0.1, changed, PictureErrors.of(changed, off, region)),
        source,
        off,
        region.share(),
        warnings,
        policy.timings(),
        policy.peakBytes());
  }
}
