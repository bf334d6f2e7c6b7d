package inkstone.app.cli;

import inkstone.loader.write.OutputException;
import inkstone.model.convert.ConvertReport;
import inkstone.model.convert.ConvertRequest;
import inkstone.model.convert.Converter;
import inkstone.model.convert.OutputFormat;
import inkstone.model.convert.TypeNames;
import inkstone.model.convert.TypeRule;
import inkstone.tensor.DType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Writes weights in another type or file format. */
@Command(
    name = "convert",
    header = "Write weights in another type: safetensors, or GGUF at 4 to 16 bits.",
    customSynopsis = "inkstone convert IN OUT --type TYPE [OPTION]...",
    sortOptions = false,
    footer = {
      "",
      "TYPE is bf16, f16 or f32, and for GGUF also q8_0, q6_k, q5_k, q5_1, q5_0, q4_k,",
      "q4_1 or q4_0. A file appears whole at the end, or not at all.",
      "",
      "Examples:",
      "  inkstone convert model/transformer transformer-q4_k.gguf --type q4_k",
      "  inkstone convert model model-f16 --type f16",
      "  inkstone convert in.gguf out.gguf --type q6_k --rules '*.attn.*=q8_0'"
    })
final class ConvertCommand implements Callable<Integer> {
  private static final int MAX_RULE_BYTES = 1 << 20;

  private final Cli cli;

  @Parameters(
      index = "0",
      paramLabel = "IN",
      description = "A model folder, the folder of one network, a shard index, or a file")
  private String in;

  @Parameters(
      index = "1",
      paramLabel = "OUT",
      description = "A .safetensors or .gguf file; for a whole model a new folder")
  private String out;

  @Option(names = "--type", paramLabel = "TYPE", description = "What the weights become")
  private String type;

  @Option(
      names = "--format",
      paramLabel = "FORMAT",
      description = "safetensors or gguf (default: by the name of OUT, or by the type)")
  private String format;

  @Option(
      names = "--rules",
      paramLabel = "RULE",
      description =
          "PATTERN=TYPE for the tensors whose name matches, * standing for anything; or a file of"
              + " such lines. Repeat it; the first that matches counts")
  private List<String> rules = new ArrayList<>();

  @Option(
      names = {"-t", "--threads"},
      paramLabel = "N",
      description = "Worker threads; they never change a byte (default: one a processor)")
  private String threads;

  @Option(names = "--force", description = "Replace existing files")
  private boolean force;

  @Option(names = "--json", description = "One JSON object with all that was written")
  private boolean json;

  @Option(
      names = {"-q", "--quiet"},
      description = "No progress, no summary")
  private boolean quiet;

  @Option(
      names = {"-v", "--verbose"},
      description = "A line for each tensor; errors with a stack trace")
  private boolean verbose;

  @Mixin HelpOption help;

  ConvertCommand(Cli cli) {
    this.cli = cli;
  }

  @Override
  public Integer call() throws Failure, IOException {
    ConvertRequest request = request();
    ConvertProgress progress = new ConvertProgress(cli, quiet || json, verbose);
    cli.jobs().begin();
    try {
      ConvertReport report =
          Converter.convert(request, progress, cli.jobs().cancelToken()::isCancelled);
      progress.clear();
      if (json) {
        cli.out().println(JsonText.of(ConvertText.asMap(report)));
        return ExitCode.DONE;
      }
      if (!quiet) {
        ConvertText.summary(report).forEach(cli.err()::println);
      }
      report.files().forEach(file -> cli.out().println(file.path()));
      return ExitCode.DONE;
    } catch (OutputException e) {
      progress.clear();
      throw e.isRefused()
          ? Failure.usage(e.getMessage(), e.nextStep(), e)
          : Failure.unexpected(e.getMessage(), e.nextStep(), e);
    } finally {
      progress.clear();
      cli.jobs().end();
    }
  }

  private ConvertRequest request() throws Failure, IOException {
    if (type == null) {
      throw Failure.usage("convert needs a type", "add --type with one of " + TypeNames.all());
    }
    DType wanted = TypeNames.parse(type);
    if (wanted == null) {
      throw Numbers.unfit("--type", "one of " + TypeNames.all(), type);
    }
    Path from = Paths.of("IN", in);
    if (in.isBlank() || !Files.exists(from)) {
      throw Failure.usage(
          "no such file or folder: " + in, "give a model folder, or a file of weights");
    }
    if (out.isBlank()) {
      throw Failure.usage("OUT: it is empty", "give a file, or a folder for a whole model");
    }
    return new ConvertRequest(
        from,
        Paths.of("OUT", out),
        wanted,
        format == null
            ? null
            : OutputFormat.of("." + Numbers.word("--format", format, "safetensors", "gguf")),
        readRules(),
        threads == null
            ? Runtime.getRuntime().availableProcessors()
            : Numbers.whole("--threads", threads, 1, 1024),
        force);
  }

  private List<TypeRule> readRules() throws Failure, IOException {
    List<TypeRule> all = new ArrayList<>();
    for (String given : rules) {
      if (given.contains("=")) {
        all.add(rule(given, "--rules"));
        continue;
      }
      Path file = Paths.of("--rules", given);
      if (!Files.isRegularFile(file) || Files.size(file) > MAX_RULE_BYTES) {
        throw Numbers.unfit("--rules", "PATTERN=TYPE, or a file of such lines", given);
      }
      List<String> lines;
      try {
        lines = Files.readAllLines(file);
      } catch (IOException e) {
        throw Failure.usage(
            "--rules: expected a text file in UTF-8, got " + given, "choose another file", e);
      }
      for (String line : lines) {
        if (!line.isBlank() && !line.strip().startsWith("#")) {
          all.add(rule(line, "--rules " + given));
        }
      }
    }
    return all;
  }

  private static TypeRule rule(String text, String where) throws Failure {
    try {
      return TypeRule.parse(text);
    } catch (IllegalArgumentException e) {
      throw Failure.usage(where + ": " + e.getMessage(), "--help lists the types", e);
    }
  }
}
