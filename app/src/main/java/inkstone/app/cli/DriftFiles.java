package inkstone.app.cli;

import inkstone.app.image.PictureMetadata;
import inkstone.app.image.PictureWriter;
import inkstone.app.report.ContactSheet;
import inkstone.app.report.Figures;
import inkstone.app.report.HeatMap;
import inkstone.model.drift.PictureError;
import inkstone.model.image.Image;
import inkstone.model.pipeline.DriftReport;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The files of a drift report. */
final class DriftFiles {
  static final String REPORT = "report.json";

  /** All of them, in the order in which they are put in place. */
  static final List<String> NAMES =
      List.of("off.png", "policy.png", "sheet.png", "drift_k.png", "drift_v.png", REPORT);

  /** Differences are shown this many times as large as they are. */
  private static final int MAGNIFIED = 8;

  private DriftFiles() {}

  /**
   * The content of each file.
   *
   * @param facts of the report
   */
  static Map<String, byte[]> of(DriftReport drift, Map<String, Object> facts) {
    List<String> lines = List.of(DriftText.policy(drift), "relative L2 to a full pass");
    Map<String, byte[]> files = new LinkedHashMap<>();
    files.put("off.png", png(drift.off()));
    files.put("policy.png", png(drift.policy().image()));
    files.put("sheet.png", png(sheet(drift)));
    files.put("drift_k.png", png(HeatMap.draw("drift of K", lines, bands(drift, false))));
    files.put("drift_v.png", png(HeatMap.draw("drift of V", lines, bands(drift, true))));
    files.put(REPORT, (JsonText.of(facts) + "\n").getBytes(StandardCharsets.UTF_8));
    return files;
  }

  private static byte[] png(Image image) {
    return PictureWriter.encode(image, PictureMetadata.NONE);
  }

  private static List<HeatMap.Band> bands(DriftReport drift, boolean values) {
    boolean guided = drift.branches().size() > 1;
    List<HeatMap.Band> bands = new ArrayList<>();
    for (DriftReport.Branch branch : drift.branches()) {
      bands.add(
          new HeatMap.Band(
              guided ? branch.name().replace("_prompt", "") : "",
              values ? branch.value() : branch.key(),
              branch.plans()));
    }
    return bands;
  }

  private static Image sheet(DriftReport drift) {
    int steps = drift.steps().size();
    DriftReport.Picture rounded = drift.roundedInputs();
    DriftReport.Picture fewer = drift.fewerSteps();
    String saved = Figures.percent(drift.cache().saved()) + " of FLOP saved";
    return ContactSheet.draw(
        List.of(
            List.of(
                new ContactSheet.Cell("source", "reference 1", drift.source()),
                new ContactSheet.Cell("off", "full steps: " + steps, drift.off()),
                new ContactSheet.Cell(drift.cache().policy(), saved, drift.policy().image()),
                difference(drift, drift.policy())),
            List.of(
                new ContactSheet.Cell("bf16 inputs", "noise floor", rounded.image()),
                difference(drift, rounded),
                new ContactSheet.Cell(
                    "off, equal FLOP", "full steps: " + fewer.steps(), fewer.image()),
                difference(drift, fewer))));
  }

  private static ContactSheet.Cell difference(DriftReport drift, DriftReport.Picture picture) {
    PictureError error = picture.errors().whole();
    String detail =
        error.max() == 0
            ? "equal"
            : "max " + error.max() + ", PSNR " + Math.round(error.psnr() * 10) / 10.0;
    return new ContactSheet.Cell(
        "|Δ| × " + MAGNIFIED,
        detail,
        ContactSheet.difference(picture.image(), drift.off(), MAGNIFIED));
  }
}
