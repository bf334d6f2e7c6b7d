package inkstone.app.cli;

import inkstone.app.cli.Inspector.Inspection;
import inkstone.loader.safetensors.TensorEntry;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import java.util.stream.LongStream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Shows what a checkpoint holds, from its headers alone. */
@Command(
    name = "inspect",
    header = "Show what a model folder or a safetensors file holds.",
    sortOptions = false)
final class InspectCommand implements Callable<Integer> {
  private final Cli cli;

  @Parameters(
      paramLabel = "FILE|DIR",
      description = "A .safetensors file, the folder of one network, or a whole model folder")
  private String target;

  @Option(names = "--tensors", description = "List every tensor, not groups of them")
  private boolean everyTensor;

  @Option(names = "--json", description = "One JSON object, with every tensor")
  private boolean json;

  @Mixin TraceOption trace;

  @Mixin HelpOption help;

  InspectCommand(Cli cli) {
    this.cli = cli;
  }

  @Override
  public Integer call() throws Exception {
    Path path = Paths.of("inspect", target);
    if (!Files.exists(path)) {
      throw Failure.usage(
          "no such file or folder: " + target, "give a model folder or a .safetensors file");
    }
    Inspection inspection = Inspector.inspect(path);
    if (json) {
      cli.out().println(JsonText.of(asMap(inspection)));
    } else {
      print(inspection);
    }
    return ExitCode.DONE;
  }

  private void print(Inspection inspection) {
    PrintStream out = cli.out();
    boolean whole = inspection.className() != null;
    if (whole) {
      out.println(target + ": " + Printable.of(inspection.className()));
    }
    for (Component component : inspection.components()) {
      if (whole) {
        out.println();
      }
      out.println(component.name() + ": " + Printable.of(component.className()));
      for (Path file : component.files()) {
        out.println("  file        " + file);
      }
      out.println("  tensors     " + component.tensors().size());
      out.println("  parameters  " + count(component.parameters()));
      out.println("  bytes       " + count(component.bytes()));
      out.println(
          "  dtypes      "
              + component.dtypes().entrySet().stream()
                  .map(e -> e.getKey() + " (" + e.getValue() + ")")
                  .collect(Collectors.joining(", ")));
      component
          .metadata()
          .forEach((key, value) ->
              out.println("  metadata    " + Printable.of(key) + " = " + shortened(value)));
      component.problems().forEach(p -> out.println("  problem     " + Printable.of(p)));
      if (everyTensor) {
        for (TensorEntry tensor : component.tensors().values()) {
          row(tensor.dtype().name(), tensor.shape().toString(), tensor.name(), 1);
        }
      } else if (!whole) {
        component
            .groups()
            .forEach((group, n) -> row(group.dtype(), group.shape(), group.pattern(), n));
      }
    }
    if (whole && !inspection.otherParts().isEmpty()) {
      out.println();
      inspection
          .otherParts()
          .forEach((name, className) -> out.println(name + ": " + Printable.of(className)));
    }
  }

  private void row(String dtype, String shape, String name, int count) {
    String times = count == 1 ? "" : "  x" + count;
    cli.out()
        .println(
            String.format(
                Locale.ROOT, "  %-7s %-20s %s%s", dtype, shape, Printable.of(name), times));
  }

  private static String count(long n) {
    return n < 10_000 ? Long.toString(n) : String.format(Locale.ROOT, "%,d", n);
  }

  private static String shortened(String value) {
    String printable = Printable.of(value);
    return printable.length() <= 100 ? printable : printable.substring(0, 97) + "...";
  }

  private static Map<String, Object> asMap(Inspection inspection) {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("path", inspection.path().toString());
    if (inspection.className() != null) {
      map.put("class", inspection.className());
    }
    List<Object> components = new ArrayList<>();
    for (Component component : inspection.components()) {
      Map<String, Object> one = new LinkedHashMap<>();
      one.put("name", component.name());
      one.put("class", component.className());
      one.put("files", component.files().stream().map(Path::toString).toList());
      one.put("parameters", component.parameters());
      one.put("bytes", component.bytes());
      one.put("dtypes", component.dtypes());
      one.put("metadata", component.metadata());
      one.put("problems", component.problems());
      one.put("tensors", component.tensors().values().stream().map(InspectCommand::asMap).toList());
      components.add(one);
    }
    map.put("components", components);
    map.put("other_parts", inspection.otherParts());
    return map;
  }

  private static Map<String, Object> asMap(TensorEntry tensor) {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("name", tensor.name());
    map.put("dtype", tensor.dtype().name());
    map.put("shape", LongStream.of(tensor.shape().toArray()).boxed().toList());
    map.put("bytes", tensor.bytes());
    return map;
  }
}
