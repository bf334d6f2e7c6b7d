package inkstone.model.text;

import inkstone.loader.CheckpointException;
import inkstone.loader.gguf.GgufMetadata;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Qwen2's tokenizer: added tokens are cut out, the rest is normalized to NFC, cut into words and
 * encoded by a byte-level byte-pair model. Gives the ids of the Python packages {@code tokenizers}
 * and {@code transformers}. Immutable but for a small cache of words; thread-safe.
 */
public final class QwenTokenizer {
  /** One more than the greatest id of {@link #published}. */
  public static final int PUBLISHED_SIZE = 151_665;

  private static final int CACHED_WORDS = 8192;
  private static final int CACHED_WORD_CHARS = 24;

  private final Map<String, Integer> ids;
  private final String[] tokens;
  private final AddedTokenMatcher rawTokens;
  private final AddedTokenMatcher normalizedTokens;
  private final BytePairMerger merger;
  private final Map<String, int[]> cache = new ConcurrentHashMap<>();

  private QwenTokenizer(TokenizerFiles files) throws CheckpointException {
    ids = new HashMap<>(files.vocab());
    List<AddedToken> raw = new ArrayList<>();
    List<AddedToken> normalized = new ArrayList<>();
    for (AddedToken token : files.added()) {
      ids.put(token.content(), token.id());
      (token.normalized() ? normalized : raw).add(token);
    }
    int size = 0;
    for (int id : ids.values()) {
      size = Math.max(size, id + 1);
    }
    tokens = new String[size];
    ids.forEach((token, id) -> tokens[id] = token);
    // A token that is looked for in normalized text also decodes to its normalized form.
    for (AddedToken token : normalized) {
      tokens[token.id()] = CanonicalComposition.normalize(token.content());
    }
    rawTokens = new AddedTokenMatcher(raw);
    normalizedTokens = new AddedTokenMatcher(normalized);
    merger = new BytePairMerger(files.vocab(), files.merges(), files.where());
  }

  /**
   * Reads a tokenizer folder: {@code tokenizer.json}, or {@code vocab.json} with {@code merges.txt}
   * and a file that gives the added tokens their ids.
   *
   * @throws CheckpointException when a file is missing, damaged, or of another kind of tokenizer
   */
  public static QwenTokenizer read(Path folder) throws CheckpointException {
    return new QwenTokenizer(TokenizerFiles.read(folder));
  }

  /** The tokenizer of Qwen2.5-VL, with which all Qwen-Image models were published. */
  public static QwenTokenizer published() throws CheckpointException {
    return new QwenTokenizer(PublishedTokenizer.read());
  }

  /**
   * Reads the tokenizer in the metadata of a GGUF file; the file may be closed afterwards.
   *
   * @throws CheckpointException when a key is missing, damaged, or of another kind of tokenizer
   */
  public static QwenTokenizer read(GgufMetadata metadata) throws CheckpointException {
    return new QwenTokenizer(GgufTokenizer.read(metadata));
  }

  /**
   * Ids of {@code text}; added tokens in it become their ids. A lone surrogate counts as U+FFFD.
   */
  public int[] encode(String text) {
    IntList out = new IntList();
    rawTokens.split(
        wellFormed(text),
        out::add,
        piece ->
            normalizedTokens.split(
                CanonicalComposition.normalize(piece), out::add, words -> encodeWords(words, out)));
    return out.toArray();
  }

  private void encodeWords(String text, IntList out) {
    for (int start = 0; start < text.length(); ) {
      int end = WordSplitter.wordEnd(text, start);
      String word = text.substring(start, end);
      start = end;
      int[] known = cache.get(word);
      if (known == null) {
        IntList encoded = new IntList();
        merger.encode(word.getBytes(StandardCharsets.UTF_8), encoded);
        known = encoded.toArray();
        if (word.length() <= CACHED_WORD_CHARS && cache.size() < CACHED_WORDS) {
          cache.put(word, known);
        }
      }
      out.addAll(known);
    }
  }

  /**
   * The text of {@code ids}, special tokens included. Bytes that are no UTF-8 become U+FFFD; ids
   * without a token give nothing.
   */
  public String decode(int[] ids) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    for (int id : ids) {
      if (id < 0) {
        throw new IllegalArgumentException(
            "QwenTokenizer.decode: id, expected 0 or more, got " + id);
      }
      if (id < tokens.length && tokens[id] != null) {
        bytes.writeBytes(ByteAlphabet.bytes(tokens[id]));
      }
    }
    return LossyUtf8.decode(bytes.toByteArray());
  }

  /**
   * Id of one token as the vocabulary spells it.
   *
   * @throws IllegalArgumentException when there is no such token
   */
  public int id(String token) {
    Integer id = ids.get(token);
    if (id == null) {
      throw new IllegalArgumentException(
          "QwenTokenizer.id: token, expected one of the vocabulary, got \""
              + token
              + "\"; use the tokenizer of a Qwen-Image model");
    }
    return id;
  }

  /** One more than the greatest id. */
  public int vocabSize() {
    return tokens.length;
  }

  private static String wellFormed(String text) {
    StringBuilder fixed = null;
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (!Character.isSurrogate(c)) {
        continue;
      }
      boolean paired =
          Character.isHighSurrogate(c)
              && i + 1 < text.length()
              && Character.isLowSurrogate(text.charAt(i + 1));
      if (paired) {
        i++;
      } else {
        fixed = fixed == null ? new StringBuilder(text) : fixed;
        fixed.setCharAt(i, '\ufffd');
      }
    }
    return fixed == null ? text : fixed.toString();
  }
}
