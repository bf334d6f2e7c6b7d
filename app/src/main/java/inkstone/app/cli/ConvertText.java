package inkstone.app.cli;

import inkstone.model.convert.ConvertReport;
import inkstone.model.convert.ConvertReport.Count;
import inkstone.model.convert.ConvertReport.Written;
import inkstone.tensor.DType;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** What a conversion did, for people and as JSON. */
final class ConvertText {
  private ConvertText() {}

  static List<String> summary(ConvertReport report) {
    List<String> lines = new ArrayList<>();
    report.notes().forEach(note -> lines.add("note: " + Printable.of(note)));
    for (Map.Entry<DType, Count> type : report.types().entrySet()) {
      Count count = type.getValue();
      lines.add(
          String.format(
              Locale.ROOT,
              "%-5s %5d tensor%s %12.1f MB",
              type.getKey().name().toLowerCase(Locale.ROOT),
              count.tensors(),
              count.tensors() == 1 ? " " : "s",
              count.bytes() / 1e6));
    }
    lines.add(
        String.format(
            Locale.ROOT,
            "%.1f MB before, %.1f MB after (%.1f %%), %s, %.0f MB/s",
            report.bytesBefore() / 1e6,
            report.bytesAfter() / 1e6,
            100.0 * report.bytesAfter() / Math.max(1, report.bytesBefore()),
            TimeLeft.words(report.seconds()),
            rate(report) / 1e6));
    return lines;
  }

  /** Bytes of the source a second. */
  private static double rate(ConvertReport report) {
    return report.bytesBefore() / Math.max(1e-9, report.seconds());
  }

  static Map<String, Object> asMap(ConvertReport report) {
    Map<String, Object> map = new LinkedHashMap<>();
    List<Object> files = new ArrayList<>();
    for (Written written : report.files()) {
      Map<String, Object> file = new LinkedHashMap<>();
      file.put("path", written.path().toString());
      file.put("class", written.network());
      file.put("tensors", written.tensors());
      file.put("bytes", written.bytes());
      files.add(file);
    }
    map.put("files", files);
    Map<String, Object> types = new LinkedHashMap<>();
    report
        .types()
        .forEach((type, count) ->
            types.put(type.name(), Map.of("tensors", count.tensors(), "bytes", count.bytes())));
    map.put("types", types);
    map.put("bytes_before", report.bytesBefore());
    map.put("bytes_after", report.bytesAfter());
    map.put("seconds", report.seconds());
    map.put("bytes_per_second", rate(report));
    map.put("notes", report.notes());
    return map;
  }
}
