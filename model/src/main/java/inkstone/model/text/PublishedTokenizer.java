package inkstone.model.text;

import inkstone.loader.CheckpointException;
import inkstone.loader.config.TokenizerConfig;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.GZIPInputStream;

/**
 * The tokenizer of Qwen2.5-VL as this program carries it: the merges and the added tokens. The
 * vocabulary is the byte alphabet, then what each merge makes.
 */
final class PublishedTokenizer {
  private static final String MERGES = "qwen2.5/merges.txt.gz";
  private static final String CONFIG = "qwen2.5/tokenizer_config.json";

  private PublishedTokenizer() {}

  static TokenizerFiles read() throws CheckpointException {
    List<BytePairMerger.Merge> merges = TokenizerFiles.merges(text(MERGES, true), MERGES);
    Map<String, Integer> vocab = HashMap.newHashMap(256 + merges.size());
    for (String token : byteAlphabet()) {
      vocab.put(token, vocab.size());
    }
    for (BytePairMerger.Merge merge : merges) {
      vocab.put(merge.left() + merge.right(), vocab.size());
    }
    List<AddedToken> added = new ArrayList<>();
    TokenizerConfig.parse(text(CONFIG, false), CONFIG)
        .addedTokens()
        .forEach((id, token) ->
            added.add(
                new AddedToken(
                    token.content(),
                    id,
                    token.singleWord(),
                    token.lstrip(),
                    token.rstrip(),
                    token.normalized())));
    return new TokenizerFiles(vocab, merges, added, MERGES);
  }

  /** Characters that stand for themselves first, then those that were moved. */
  private static List<String> byteAlphabet() {
    List<String> tokens = new ArrayList<>();
    List<String> moved = new ArrayList<>();
    for (int b = 0; b < 256; b++) {
      char c = ByteAlphabet.toChar(b);
      (c == b ? tokens : moved).add(String.valueOf(c));
    }
    tokens.addAll(moved);
    return tokens;
  }

  private static String text(String resource, boolean zipped) {
    try (InputStream in = PublishedTokenizer.class.getResourceAsStream(resource)) {
      if (in == null) {
        throw new IllegalStateException(
            "tokenizer: resource " + resource + " is missing from the jar; build it again");
      }
      byte[] bytes = (zipped ? new GZIPInputStream(in) : in).readAllBytes();
      return new String(bytes, StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
