package inkstone.app.cli;

import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Option;

/** What is written and told. */
final class OutputOptions {
  /** What the file of {@code --preview-path} shows after each step. */
  enum PreviewKind {
    NONE,
    /** A cheap projection of the latents. */
    PROJ,
    /** The VAE's decoding: as slow as the last stage. */
    VAE
  }

  @Option(
      names = {"-o", "--output"},
      paramLabel = "FILE",
      description =
          "PNG to write (default: output.png); %%d or %%03d becomes the number of the picture")
  private String output = "output.png";

  @Option(
      names = "--preview",
      paramLabel = "KIND",
      description =
          "After each step, write what the picture will look like: none (default), proj (small and"
              + " cheap) or vae (full size, slow)")
  private String preview = "none";

  @Option(
      names = "--preview-path",
      paramLabel = "FILE",
      description = "Where --preview writes (default: preview.png)")
  private String previewPath;

  @Option(
      names = "--json",
      description = "One JSON event a line on standard output, instead of paths and progress")
  private boolean json;

  @Option(
      names = {"-v", "--verbose"},
      description = "Tell more; errors with a stack trace")
  private boolean verbose;

  @Option(
      names = {"-q", "--quiet"},
      description = "No progress, no notes")
  private boolean quiet;

  @Option(names = "--no-metadata", description = "Don't store prompt, seed and options in the PNG")
  private boolean noMetadata;

  boolean metadata() {
    return !noMetadata;
  }

  Report report(Cli cli) {
    return json ? new JsonReport(cli.out()) : new HumanReport(cli, quiet, verbose);
  }

  PreviewKind previewKind() throws Failure {
    return switch (Numbers.word("--preview", preview, "none", "proj", "vae")) {
      case "proj" -> PreviewKind.PROJ;
      case "vae" -> PreviewKind.VAE;
      default -> PreviewKind.NONE;
    };
  }

  /** One checked file for each picture of the batch. */
  List<OutputFile> files(int batchCount) throws Failure {
    OutputNames names = OutputNames.of(output, batchCount);
    List<OutputFile> files = new ArrayList<>();
    for (int i = 0; i < batchCount; i++) {
      files.add(OutputFile.check("-o", names.at(i)));
    }
    return files;
  }

  /** The checked file for previews, or null when none are wanted. */
  OutputFile previewFile(List<OutputFile> files, References references) throws Failure {
    if (previewKind() == PreviewKind.NONE) {
      if (previewPath != null) {
        throw Failure.usage(
            "--preview-path without --preview", "add --preview proj or --preview vae");
      }
      return null;
    }
    OutputFile file =
        OutputFile.check("--preview-path", previewPath == null ? "preview.png" : previewPath);
    if (files.stream().anyMatch(file::isSameAs)) {
      throw Failure.usage("-o and --preview-path name the same file", "give two names");
    }
    for (String reference : references.paths()) {
      if (file.isSameAs(Paths.of("-r", reference))) {
        throw Failure.usage(
            "the preview would overwrite the picture of -r " + reference,
            "give another name with --preview-path");
      }
    }
    return file;
  }
}
