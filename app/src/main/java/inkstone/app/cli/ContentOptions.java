package inkstone.app.cli;

import inkstone.model.pipeline.GenerateRequest;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import picocli.CommandLine.Option;

/** The words. */
final class ContentOptions {
  /** A prompt of 100,000 characters, four bytes each, is far below. */
  private static final int MAX_FILE_BYTES = 1 << 20;

  @Option(
      names = {"-p", "--prompt"},
      paramLabel = "TEXT",
      description = "What to do or to show")
  private String prompt;

  @Option(
      names = "--prompt-file",
      paramLabel = "FILE",
      description = "Read the prompt from a UTF-8 text file; - reads standard input")
  private String promptFile;

  @Option(
      names = {"-n", "--negative-prompt"},
      paramLabel = "TEXT",
      description = "What to steer away from; turns guidance on (see --cfg-scale)")
  private String negativePrompt;

  /** The prompt, not blank. */
  String prompt(Cli cli) throws Failure {
    if (prompt != null && promptFile != null) {
      throw Failure.usage("-p and --prompt-file are both given", "give one of them");
    }
    if (prompt == null && promptFile == null) {
      throw Failure.usage("no prompt", "say what you want with -p \"...\"");
    }
    String text = prompt != null ? prompt : read(cli);
    if (text.isBlank()) {
      throw Failure.usage("the prompt is empty", "say what you want with -p \"...\"");
    }
    if (text.length() > GenerateRequest.MAX_PROMPT_CHARS) {
      throw Failure.usage(
          "the prompt has "
              + text.length()
              + " characters, expected at most "
              + GenerateRequest.MAX_PROMPT_CHARS,
          "a prompt is a few sentences");
    }
    return text;
  }

  /** As given, or null. */
  String negativePrompt() {
    return negativePrompt;
  }

  private String read(Cli cli) throws Failure {
    byte[] bytes;
    try {
      if ("-".equals(promptFile)) {
        bytes = cli.in().readNBytes(MAX_FILE_BYTES + 1);
      } else {
        Path path = Paths.of("--prompt-file", promptFile);
        if (!Files.exists(path) || Files.isDirectory(path)) {
          throw Failure.usage(
              "--prompt-file: "
                  + (Files.isDirectory(path) ? "this is a folder: " : "no such file: ")
                  + promptFile,
              "give the path of a text file");
        }
        try (InputStream in = Files.newInputStream(path)) {
          bytes = in.readNBytes(MAX_FILE_BYTES + 1);
        }
      }
    } catch (IOException e) {
      throw Failure.usage(
          "--prompt-file: can't read " + promptFile + ": " + e.getMessage(),
          "check the file and its permissions",
          e);
    }
    if (bytes.length > MAX_FILE_BYTES) {
      throw Failure.usage(
          "--prompt-file: more than " + MAX_FILE_BYTES + " bytes: " + promptFile,
          "a prompt is a few sentences");
    }
    try {
      String text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
      // Some editors mark UTF-8 files with a byte order mark, which is none of the words.
      return (text.startsWith("\uFEFF") ? text.substring(1) : text).stripTrailing();
    } catch (CharacterCodingException e) {
      throw Failure.usage(
          "--prompt-file: not UTF-8 text: " + promptFile, "save the file as UTF-8", e);
    }
  }
}
