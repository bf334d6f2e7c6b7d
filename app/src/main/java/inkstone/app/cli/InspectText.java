package inkstone.app.cli;

import inkstone.model.inspect.Component;
import inkstone.model.inspect.Fit;
import inkstone.model.inspect.Inspection;
import inkstone.model.inspect.Licence;
import inkstone.model.inspect.LoraFit;
import inkstone.model.inspect.TensorFacts;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/** What inspect found, for people. */
final class InspectText {
  /** Names that a line lists; --json has them all. */
  private static final int SHOWN = 3;

  private static final int VALUE_CHARS = 100;

  private final PrintStream out;
  private final boolean everyTensor;

  InspectText(PrintStream out, boolean everyTensor) {
    this.out = out;
    this.everyTensor = everyTensor;
  }

  void print(String target, Inspection inspection) {
    boolean whole = inspection.components().size() > 1 || inspection.className() != null;
    if (inspection.className() != null) {
      out.println(Printable.of(target) + ": " + Printable.of(inspection.className()));
    }
    licence(inspection.licence());
    inspection.problems().forEach(problem -> line("problem", problem));
    for (Component component : inspection.components()) {
      if (whole) {
        out.println();
      }
      component(component, whole);
    }
    if (!inspection.otherParts().isEmpty()) {
      out.println();
      inspection
          .otherParts()
          .forEach((name, className) -> out.println(name + ": " + Printable.of(className)));
    }
  }

  private void component(Component component, boolean whole) {
    out.println(Printable.of(component.name()) + ": " + Printable.of(component.className()));
    line("is", component.what());
    for (Path file : component.files()) {
      line("file", file.toString());
    }
    line(
        "format",
        component.format()
            + (component.naming().isEmpty() ? "" : ", names of " + component.naming()));
    line("tensors", String.valueOf(component.tensors().size()));
    line("parameters", count(component.parameters()));
    line("bytes", count(component.bytes()));
    line(
        "dtypes",
        component.dtypes().entrySet().stream()
            .map(e ->
                e.getKey()
                    + " ("
                    + e.getValue().tensors()
                    + " tensors, "
                    + count(e.getValue().bytes())
                    + " bytes)")
            .collect(Collectors.joining(", ")));
    if (!component.config().isEmpty()) {
      line(
          "config",
          component.config().entrySet().stream()
                  .map(e -> e.getKey() + " " + e.getValue())
                  .collect(Collectors.joining(", "))
              + " (from "
              + component.configFrom()
              + ")");
    }
    if (component.zeroCondT() != null) {
      line(
          "zero_cond_t",
          (component.zeroCondT().on() ? "on" : "off") + ": " + component.zeroCondT().from());
    }
    fit(component.fit());
    lora(component.lora());
    licence(component.licence());
    component.metadata().forEach((key, value) -> line("metadata", key + " = " + shortened(value)));
    component.problems().forEach(problem -> line("problem", problem));
    tensors(component, whole);
  }

  private void fit(Fit fit) {
    if (fit == null) {
      return;
    }
    line(
        "complete",
        fit.missing().isEmpty() && fit.misshapen().isEmpty()
            ? "yes, all " + fit.expected() + " tensors that the network reads"
            : "no, of " + fit.expected() + " tensors that the network reads");
    names("missing", fit.missing());
    names("misshapen", fit.misshapen());
    names("unread", fit.unread());
  }

  private void lora(LoraFit lora) {
    if (lora == null) {
      return;
    }
    line("against", lora.against());
    names("matched", lora.matched());
    names("unmatched", lora.unmatched());
    names("unused", lora.unused());
    if (lora.lightningSteps() != null) {
      line("sets", "Qwen-Image-Lightning's settings for " + lora.lightningSteps() + " steps");
    }
    if (lora.refused() != null) {
      line("problem", lora.refused());
    }
  }

  private void names(String what, List<String> names) {
    if (!names.isEmpty()) {
      line(
          what,
          names.size()
              + ": "
              + String.join(", ", names.subList(0, Math.min(SHOWN, names.size())))
              + (names.size() > SHOWN ? ", …" : ""));
    }
  }

  private void licence(Licence licence) {
    if (licence != null) {
      line("licence", licence.name() + " (" + licence.from() + ")");
    }
  }

  private void tensors(Component component, boolean whole) {
    if (everyTensor) {
      for (TensorFacts tensor : component.tensors().values()) {
        row(tensor.dtype().name(), tensor.shape().toString(), tensor.name(), 1);
      }
    } else if (!whole) {
      component
          .groups()
          .forEach((group, n) -> row(group.dtype(), group.shape(), group.pattern(), n));
    }
  }

  private void row(String dtype, String shape, String name, int count) {
    String times = count == 1 ? "" : "  x" + count;
    out.println(
        String.format(Locale.ROOT, "  %-7s %-20s %s%s", dtype, shape, Printable.of(name), times));
  }

  private void line(String what, String value) {
    out.println(String.format(Locale.ROOT, "  %-11s %s", what, Printable.of(value)));
  }

  private static String count(long n) {
    return n < 10_000 ? Long.toString(n) : String.format(Locale.ROOT, "%,d", n);
  }

  private static String shortened(String value) {
    return value.length() <= VALUE_CHARS ? value : value.substring(0, VALUE_CHARS - 3) + "...";
  }
}
