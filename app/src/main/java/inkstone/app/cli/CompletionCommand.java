package inkstone.app.cli;

import java.util.concurrent.Callable;
import picocli.AutoComplete;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** Prints the completion script. */
@Command(
    name = "completion",
    header = "Print a completion script for bash and zsh.",
    footer = {"", "Use it:", "  source <(./inkstone completion)"})
final class CompletionCommand implements Callable<Integer> {
  private final Cli cli;

  @Spec private CommandSpec spec;

  @Mixin HelpOption help;

  CompletionCommand(Cli cli) {
    this.cli = cli;
  }

  @Override
  public Integer call() {
    cli.out().print(AutoComplete.bash("inkstone", spec.root().commandLine()));
    return ExitCode.DONE;
  }
}
