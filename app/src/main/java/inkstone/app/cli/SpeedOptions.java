package inkstone.app.cli;

import inkstone.model.pipeline.EngineOptions;
import inkstone.model.pipeline.PromptCache;
import inkstone.model.pipeline.VaeTiling;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import picocli.CommandLine.Option;

/** Threads and memory. */
final class SpeedOptions {
  /** Catches a forgotten unit. */
  private static final long MIN_RAM_BYTES = 1L << 20;

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

  @Option(
      names = "--max-ram",
      paramLabel = "SIZE",
      description =
          "Memory for weights, such as 12G (default: what is available). When the model takes more,"
              + " each part is mapped for its stage alone; never changes the picture")
  private String maxRam;

  @Option(
      names = "--prompt-cache",
      paramLabel = "DIR",
      description =
          "Folder in which prompt embeddings are kept, or off (default: ~/.cache/inkstone for text"
              + " encoders above 1 GB); never changes the picture, safe to delete")
  private String promptCache;

  EngineOptions engineOptions() throws Failure {
    EngineOptions options =
        (threads == null
                ? EngineOptions.defaults()
                : new EngineOptions(Numbers.whole("--threads", threads, 1, 1024)))
            .withPromptCache(promptCache());
    return maxRam == null
        ? options
        : options.withMaxRamBytes(ByteSize.parse("--max-ram", maxRam, MIN_RAM_BYTES));
  }

  private PromptCache promptCache() throws Failure {
    if (promptCache == null) {
      return PromptCache.ofUser();
    }
    if (promptCache.strip().equalsIgnoreCase("off")) {
      return PromptCache.OFF;
    }
    if (promptCache.isBlank()) {
      throw Failure.usage("--prompt-cache: it is empty", "give a folder, or off");
    }
    Path folder = Paths.of("--prompt-cache", promptCache);
    if (Files.exists(folder) && !Files.isDirectory(folder)) {
      throw Failure.usage(
          "--prompt-cache: not a folder: " + promptCache, "give another path, or off");
    }
    return PromptCache.in(folder);
  }

  VaeTiling vaeTiling() throws Failure {
    return vaeTiling == null
        ? VaeTiling.AUTO
        : VaeTiling.valueOf(
            Numbers.word("--vae-tiling", vaeTiling, "auto", "on", "off").toUpperCase(Locale.ROOT));
  }
}
