package inkstone.loader.json;

import inkstone.loader.CheckpointException;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.Reader;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.TokenStreamFactory;
import tools.jackson.core.exc.JacksonIOException;
import tools.jackson.core.exc.StreamConstraintsException;
import tools.jackson.core.exc.UnexpectedEndOfInputException;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.core.json.JsonReadFeature;

/**
 * A stream of JSON tokens that throws only {@link CheckpointException}. It decodes UTF-8 strictly,
 * limits depth, names, strings and numbers, and counts the heap that its caller keeps.
 */
public final class JsonTokens implements AutoCloseable {
  private static final String DAMAGED = "the file is damaged: download it again";

  private static final ConcurrentMap<JsonLimits, JsonFactory> FACTORIES = new ConcurrentHashMap<>();

  private final JsonParser parser;
  private final String where;
  private final JsonLimits limits;
  private long heapBytes;

  private JsonTokens(JsonParser parser, String where, JsonLimits limits) {
    this.parser = parser;
    this.where = where;
    this.limits = limits;
  }

  /**
   * Reads UTF-8 from a stream, which the caller bounds and closes.
   *
   * @param where the file, for messages
   */
  public static JsonTokens open(InputStream in, String where, JsonLimits limits)
      throws CheckpointException {
    return open(
        new InputStreamReader(
            in,
            StandardCharsets.UTF_8
                .newDecoder()
                .onMalformedInput(CodingErrorAction.REPORT)
                .onUnmappableCharacter(CodingErrorAction.REPORT)),
        where,
        limits);
  }

  /** Reads decoded text. */
  public static JsonTokens open(Reader in, String where, JsonLimits limits)
      throws CheckpointException {
    JsonFactory factory = FACTORIES.computeIfAbsent(limits, JsonTokens::factory);
    try {
      return new JsonTokens(factory.createParser(ObjectReadContext.empty(), in), where, limits);
    } catch (JacksonException e) {
      throw CheckpointException.of("json: cannot be read", where, DAMAGED);
    }
  }

  private static JsonFactory factory(JsonLimits limits) {
    return JsonFactory.builder()
        // Names are kept by the caller or dropped; a shared symbol table would outlive the
        // document.
        .disable(TokenStreamFactory.Feature.CANONICALIZE_PROPERTY_NAMES)
        .disable(TokenStreamFactory.Feature.INTERN_PROPERTY_NAMES)
        // Accepted here only so that the reader can refuse it with the key in the message.
        .enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS)
        .streamReadConstraints(
            StreamReadConstraints.builder()
                .maxNestingDepth(JsonLimits.DEPTH)
                .maxNameLength(limits.nameChars())
                .maxStringLength(limits.stringChars())
                .maxNumberLength(JsonLimits.NUMBER_CHARS)
                .build())
        .build();
  }

  /** The next token; null after the last. */
  public JsonToken next() throws CheckpointException {
    try {
      return parser.nextToken();
    } catch (JacksonException e) {
      throw translate(e);
    }
  }

  /** Skips the rest of the object or array that has just started; nothing is kept. */
  public void skipChildren() throws CheckpointException {
    try {
      parser.skipChildren();
    } catch (JacksonException e) {
      throw translate(e);
    }
  }

  /** The text of the current name, string or number; counts as kept heap. */
  public String text() throws CheckpointException {
    try {
      charge(56 + 2L * parser.getStringLength());
      return parser.getString();
    } catch (JacksonException e) {
      throw translate(e);
    }
  }

  /** The name of the current member; counts as passing. */
  public String name() {
    return parser.currentName();
  }

  /** The text of the current token; counts as passing, not as kept. */
  public String passingText() throws CheckpointException {
    try {
      return parser.getString();
    } catch (JacksonException e) {
      throw translate(e);
    }
  }

  /** The kind of a token in plain words. */
  public String describe(JsonToken token) throws CheckpointException {
    return switch (token) {
      case START_OBJECT -> "an object";
      case START_ARRAY -> "an array";
      case VALUE_STRING -> "the string " + CheckpointException.quote(passingText());
      case VALUE_NUMBER_INT, VALUE_NUMBER_FLOAT, VALUE_TRUE, VALUE_FALSE, VALUE_NULL ->
          passingText();
      default -> token.name();
    };
  }

  /** Counts heap that the caller is about to keep. */
  public void charge(long bytes) throws CheckpointException {
    heapBytes += bytes;
    if (heapBytes > limits.heapBytes()) {
      throw CheckpointException.of(
          "json: expected content for at most "
              + limits.heapBytes()
              + " bytes of memory, got more by character "
              + offset(),
          where,
          "no model needs this much: the file is damaged or hostile");
    }
  }

  /** Estimated heap of all that was kept so far. */
  public long keptBytes() {
    return heapBytes;
  }

  /** Refuses anything but white space after the value. */
  public void requireEnd() throws CheckpointException {
    JsonToken token = next();
    if (token != null) {
      throw CheckpointException.of(
          "json: expected one value, got more text at character " + offset(), where, DAMAGED);
    }
  }

  /** Characters before the current token. */
  public long offset() {
    return parser.currentTokenLocation().getCharOffset();
  }

  @Override
  public void close() {
    parser.close();
  }

  private CheckpointException translate(JacksonException e) {
    if (e instanceof JacksonIOException && e.getCause() instanceof CharacterCodingException) {
      return CheckpointException.of(
          "json: expected UTF-8 text, got other bytes after character " + place(e), where, DAMAGED);
    }
    if (e instanceof JacksonIOException && e.getCause() instanceof IOException io) {
      return CheckpointException.unreadable(where, io);
    }
    String message = e.getOriginalMessage();
    if (e instanceof StreamConstraintsException) {
      // Jackson adds the name of its own setting, which tells a user nothing.
      String limit = message.replaceAll(",? ?from `[^`]*`", "");
      return CheckpointException.of(
          "json: " + limit + " at character " + place(e),
          where,
          "no model needs this much: the file is damaged or hostile");
    }
    if (e instanceof UnexpectedEndOfInputException) {
      return CheckpointException.of(
          "json: expected the rest of the text, got its end at character " + place(e),
          where,
          "the file is cut short: download it again");
    }
    return CheckpointException.of(
        "json: expected JSON, got at character " + place(e) + ": " + firstSentence(message),
        where,
        DAMAGED);
  }

  private long place(JacksonException e) {
    return Math.max(
        0,
        e.getLocation() == null
            ? parser.currentLocation().getCharOffset()
            : e.getLocation().getCharOffset());
  }

  private static String firstSentence(String message) {
    int newline = message.indexOf('\n');
    String line = newline < 0 ? message : message.substring(0, newline);
    String quoted = CheckpointException.quote(line);
    return quoted.substring(1, quoted.length() - 1);
  }

  /** The current token's number as a long. */
  public long longValue() throws CheckpointException {
    try {
      return parser.getLongValue();
    } catch (JacksonException e) {
      throw translate(e);
    }
  }

  /** Whether the current whole number fits a long. */
  public boolean fitsLong() throws CheckpointException {
    try {
      return parser.getNumberType() != JsonParser.NumberType.BIG_INTEGER;
    } catch (JacksonException e) {
      throw translate(e);
    }
  }

  /** The current token's number as a double; may be infinite or NaN. */
  public double doubleValue() throws CheckpointException {
    try {
      return parser.getDoubleValue();
    } catch (JacksonException e) {
      throw translate(e);
    }
  }
}
