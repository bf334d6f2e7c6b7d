package inkstone.model.pipeline;

import inkstone.loader.CheckpointException;
import inkstone.loader.config.TextConfig;
import inkstone.loader.gguf.GgufMetadata;
import inkstone.model.text.QwenTokenizer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * Which tokenizer goes with a text encoder: the one that the user names, the model folder's, the
 * one in a GGUF file, one that lies beside the text encoder, or Qwen2.5's own, which comes with the
 * program.
 */
final class TokenizerChoice {
  private TokenizerChoice() {}

  static QwenTokenizer of(ModelFiles files, PartFile.Open text, TextConfig config)
      throws CheckpointException {
    QwenTokenizer tokenizer = choose(files, text, config);
    if (tokenizer.vocabSize() > config.vocabSize()) {
      throw CheckpointException.of(
          "tokenizer: expected ids below the text encoder's vocab_size "
              + config.vocabSize()
              + ", got "
              + tokenizer.vocabSize(),
          text.source().where(""),
          "give the tokenizer of this text encoder with --tokenizer DIR");
    }
    return tokenizer;
  }

  private static QwenTokenizer choose(ModelFiles files, PartFile.Open text, TextConfig config)
      throws CheckpointException {
    if (files.tokenizer() != null) {
      return QwenTokenizer.read(files.tokenizer());
    }
    if (files.folder() != null) {
      return QwenTokenizer.read(files.folder().resolve("tokenizer"));
    }
    GgufMetadata metadata = text.gguf();
    if (metadata != null && metadata.has("tokenizer.ggml.tokens")) {
      return QwenTokenizer.read(metadata);
    }
    boolean published = config.vocabSize() >= QwenTokenizer.PUBLISHED_SIZE;
    Path beside = beside(files.llm());
    if (beside != null) {
      try {
        return QwenTokenizer.read(beside);
      } catch (CheckpointException e) {
        // Folders of downloads hold tokenizers of other models; the published one is always at
        // hand.
        if (!published) {
          throw e;
        }
      }
    }
    if (!published) {
      throw CheckpointException.of(
          "tokenizer: expected the one of a text encoder with "
              + config.vocabSize()
              + " tokens, got no tokenizer beside it",
          text.source().where(""),
          "download its tokenizer.json, or vocab.json and merges.txt, and give their folder with"
              + " --tokenizer DIR");
    }
    return QwenTokenizer.published();
  }

  /** The first folder near the text encoder with a tokenizer; null when there is none. */
  private static Path beside(Path llm) {
    Path folder = Files.isDirectory(llm) ? llm : llm.toAbsolutePath().getParent();
    for (Path candidate :
        List.of(folder, folder.resolve("tokenizer"), folder.resolveSibling("tokenizer"))) {
      boolean pair =
          Files.exists(candidate.resolve("vocab.json"))
              && Files.exists(candidate.resolve("merges.txt"));
      if (pair || Files.exists(candidate.resolve("tokenizer.json"))) {
        return candidate;
      }
    }
    return null;
  }
}
