package inkstone.app.cli;

import inkstone.model.pipeline.EngineOptions;
import inkstone.model.pipeline.VaeTiling;
import java.util.Locale;
import picocli.CommandLine.Option;

/** Threads and memory. */
final class SpeedOptions {
  @Option(
      names = {"-t", "--threads"},
      paramLabel = "N",
      description = "Worker threads (default: one a processor); never changes the picture")
  private String threads;

  @Option(
      names = "--vae-tiling",
      paramLabel = "MODE",
      description =
          "auto (default), on or off: work on tiles in the VAE, which needs less memory and may"
              + " change the picture slightly")
  private String vaeTiling;

  EngineOptions engineOptions() throws Failure {
    return threads == null
        ? EngineOptions.defaults()
        : new EngineOptions(Numbers.whole("--threads", threads, 1, 1024));
  }

  VaeTiling vaeTiling() throws Failure {
    return vaeTiling == null
        ? VaeTiling.AUTO
        : VaeTiling.valueOf(
            Numbers.word("--vae-tiling", vaeTiling, "auto", "on", "off").toUpperCase(Locale.ROOT));
  }
}
