package inkstone.app.cli;

import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** The program without a command. */
@Command(
    name = "inkstone",
    header = "Qwen-Image and Qwen-Image-Edit in pure Java.",
    versionProvider = Version.class,
    sortOptions = false,
    synopsisSubcommandLabel = "COMMAND",
    footer = {
      "",
      "Start here:",
      "  inkstone edit -r examples/scene.png -p \"Change the background to navy.\"",
      "  inkstone edit --help",
      "",
      "Exit codes: 0 done, 1 unexpected, 2 usage, 3 model unfit, 4 not enough memory,",
      "130 cancelled. Results go to standard output, all else to standard error."
    })
final class InkstoneCommand implements Callable<Integer> {
  @Mixin HelpOption help;

  @Option(
      names = {"-V", "--version"},
      versionHelp = true,
      description = "Show the version and end")
  boolean version;

  @Override
  public Integer call() throws Failure {
    throw Failure.usage("no command given", "'inkstone --help' lists the commands");
  }
}
