package inkstone.app.cli;

import java.nio.file.Path;
import java.util.Collection;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Shows how a picture of this program was made. */
@Command(
    name = "metadata",
    header = "Show how a picture was made.",
    sortOptions = false,
    footer = {"", "Example:", "  inkstone metadata out.png --as-cli"})
final class MetadataCommand implements Callable<Integer> {
  private final Cli cli;

  @Parameters(paramLabel = "FILE", description = "A PNG that edit or generate wrote")
  private String file;

  @Option(names = "--as-cli", description = "Print the command that makes the picture again")
  private boolean asCli;

  @Option(names = "--json", description = "One JSON object instead of lines")
  private boolean json;

  @Mixin TraceOption trace;

  @Mixin HelpOption help;

  MetadataCommand(Cli cli) {
    this.cli = cli;
  }

  @Override
  public Integer call() throws Exception {
    if (asCli && json) {
      throw Failure.usage("--as-cli and --json are both given", "give one of them");
    }
    Path path = Paths.of("metadata", file);
    Map<String, Object> facts = RunMetadata.read(path);
    if (asCli) {
      cli.out().println(RunCommandLine.of(facts, RunCommandLine.againName(file)));
    } else if (json) {
      cli.out().println(JsonText.of(facts));
    } else {
      facts.forEach((key, value) -> cli.out().println(Printable.of(key + ": " + text(value))));
    }
    return ExitCode.DONE;
  }

  private static String text(Object value) {
    return switch (value) {
      case Collection<?> items ->
          items.stream().map(String::valueOf).collect(Collectors.joining(", "));
      case Map<?, ?> fields ->
          fields.entrySet().stream()
              .map(field -> field.getKey() + " " + field.getValue())
              .collect(Collectors.joining(", "));
      case null, default -> String.valueOf(value);
    };
  }
}
