package inkstone.app.cli;

import java.io.BufferedOutputStream;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import picocli.CommandLine;
import picocli.CommandLine.HelpCommand;
import picocli.CommandLine.Model.UsageMessageSpec;

/** The program. Started by the launcher, which holds the JVM flags. */
public final class Main {
  private Main() {}

  /** Runs one command and ends the process with its exit code. */
  public static void main(String[] args) {
    launch(args, Engine::open);
  }

  /** The same with another engine, for tests. */
  static void launch(String[] args, Engine.Opener engines) {
    ResultOutput results = new ResultOutput(new FileOutputStream(FileDescriptor.out));
    PrintStream out =
        new PrintStream(new BufferedOutputStream(results), false, StandardCharsets.UTF_8);
    Cli cli =
        new Cli(
            out,
            System.err,
            System.in,
            Boolean.getBoolean("inkstone.terminal"),
            Path.of(System.getProperty("inkstone.home", "")),
            engines,
            new RunningJob());
    Errors errors = new Errors(cli, args);
    Interrupt interrupt = Interrupt.install(cli, errors);
    int code;
    try {
      VectorModule.load();
      code = run(cli, args);
    } catch (Failure e) {
      code = errors.failed(e);
    }
    out.flush();
    String loss = results.loss();
    if (loss != null && code == ExitCode.DONE) {
      code =
          errors.report(
              ExitCode.UNEXPECTED,
              "standard output failed: " + loss,
              "check the free space where it goes",
              null);
    }
    interrupt.exit(code);
  }

  /** Runs one command; never throws. */
  static int run(Cli cli, String... args) {
    Errors errors = new Errors(cli, args);
    try {
      return commandLine(cli)
          .setParameterExceptionHandler(errors::usage)
          .setExecutionExceptionHandler((e, command, parsed) -> errors.failed(e))
          .execute(args);
    } catch (Throwable e) {
      // OutOfMemoryError and its kin pass picocli by; the process must still say something short.
      return errors.failed(e);
    } finally {
      cli.out().flush();
      cli.err().flush();
    }
  }

  static CommandLine commandLine(Cli cli) {
    CommandLine commandLine =
        new CommandLine(new InkstoneCommand())
            .addSubcommand(new EditCommand(cli))
            .addSubcommand(new GenerateCommand(cli))
            .addSubcommand(new DriftCommand(cli))
            .addSubcommand(new PlanCommand(cli))
            .addSubcommand(new InspectCommand(cli))
            .addSubcommand(new ConvertCommand(cli))
            .addSubcommand(new MetadataCommand(cli))
            .addSubcommand(new BenchCommand(cli))
            .addSubcommand(new DoctorCommand(cli))
            .addSubcommand(new CompletionCommand(cli))
            .addSubcommand(new HelpCommand());
    for (String command : List.of("edit", "generate", "drift", "plan")) {
      commandLine
          .getSubcommands()
          .get(command)
          .getHelpSectionMap()
          .put(UsageMessageSpec.SECTION_KEY_OPTION_LIST, new GroupedHelp());
    }
    // A prompt may begin with @ or look like an option.
    return commandLine
        .setExpandAtFiles(false)
        .setAllowOptionsAsOptionParameters(true)
        .setUsageHelpWidth(80)
        .setOut(writer(cli.out()))
        .setErr(writer(cli.err()));
  }

  private static PrintWriter writer(PrintStream stream) {
    return new PrintWriter(stream, true, stream.charset());
  }
}
