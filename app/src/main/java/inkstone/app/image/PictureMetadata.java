package inkstone.app.image;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Optional;
import java.util.zip.DataFormatException;
import java.util.zip.Inflater;

/**
 * The two texts that a picture carries: what other tools read and what this project reads back.
 *
 * @param parameters prompt and settings in the form that A1111 tools read, keyword {@code
 *     parameters}
 * @param inkstone the request as a JSON document, keyword {@code inkstone}
 */
public record PictureMetadata(Optional<String> parameters, Optional<String> inkstone) {
  public static final PictureMetadata NONE =
      new PictureMetadata(Optional.empty(), Optional.empty());

  /** Longest text that is read back, in bytes after decompression. */
  public static final int MAX_TEXT_BYTES = 4 << 20;

  private static final String PARAMETERS = "parameters";
  private static final String INKSTONE = "inkstone";
  private static final int MAX_KEYWORD = 79;

  public static PictureMetadata of(String parameters, String inkstone) {
    return new PictureMetadata(Optional.of(parameters), Optional.of(inkstone));
  }

  /**
   * Reads both texts of a PNG; a PNG that lacks one or both is no error, nor is a damaged text,
   * which counts as lacking. Of texts with the same keyword the first counts.
   *
   * @throws PictureException when the file can't be read, is no PNG or is truncated
   */
  public static PictureMetadata read(Path path) throws PictureException {
    return parse(PictureFiles.readAll(path), path.toString());
  }

  /** {@link #read} of a file's content; {@code name} is what messages call it. */
  public static PictureMetadata parse(byte[] data, String name) throws PictureException {
    PictureFormat format = PictureFormat.of(data);
    if (format != PictureFormat.PNG) {
      throw new PictureException(
          "metadata: expected a PNG, got "
              + (format == PictureFormat.JPEG ? "a JPEG picture" : format.noun)
              + " ("
              + name
              + "); only PNG files of this program carry their settings");
    }
    Optional<String> parameters = Optional.empty();
    Optional<String> inkstone = Optional.empty();
    PngChunks chunks = new PngChunks(data, name);
    while (chunks.next() && !chunks.type().equals("IEND")) {
      String keyword = keyword(data, chunks);
      if (keyword.equals(PARAMETERS) && parameters.isEmpty()) {
        parameters = text(data, chunks, keyword.length() + 1);
      } else if (keyword.equals(INKSTONE) && inkstone.isEmpty()) {
        inkstone = text(data, chunks, keyword.length() + 1);
      }
    }
    return new PictureMetadata(parameters, inkstone);
  }

  /** Keyword of a text chunk; empty for any other chunk. */
  private static String keyword(byte[] data, PngChunks chunks) {
    if (!chunks.type().equals("tEXt")
        && !chunks.type().equals("zTXt")
        && !chunks.type().equals("iTXt")) {
      return "";
    }
    int end = zero(data, chunks.offset(), Math.min(chunks.length(), MAX_KEYWORD + 1));
    return end < 0
        ? ""
        : new String(data, chunks.offset(), end - chunks.offset(), StandardCharsets.ISO_8859_1);
  }

  /** Text of the chunk after its keyword and the zero byte behind it. */
  private static Optional<String> text(byte[] data, PngChunks chunks, int skip) {
    int at = chunks.offset() + skip;
    int end = chunks.offset() + chunks.length();
    return switch (chunks.type()) {
      case "tEXt" -> decode(data, at, end - at, StandardCharsets.ISO_8859_1);
      case "zTXt" ->
          at < end && data[at] == 0
              ? inflate(data, at + 1, end, StandardCharsets.ISO_8859_1)
              : Optional.empty();
      default -> internationalText(data, at, end);
    };
  }

  /** Compression flag and method, language, translated keyword, text. */
  private static Optional<String> internationalText(byte[] data, int at, int end) {
    if (end - at < 4 || (data[at] & 0xfe) != 0 || data[at + 1] != 0) {
      return Optional.empty();
    }
    int language = zero(data, at + 2, end - at - 2);
    int translated = language < 0 ? -1 : zero(data, language + 1, end - language - 1);
    if (translated < 0) {
      return Optional.empty();
    }
    return data[at] == 1
        ? inflate(data, translated + 1, end, StandardCharsets.UTF_8)
        : decode(data, translated + 1, end - translated - 1, StandardCharsets.UTF_8);
  }

  private static Optional<String> inflate(byte[] data, int from, int to, Charset charset) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    byte[] buffer = new byte[8192];
    try (Inflater inflater = new Inflater()) {
      inflater.setInput(data, from, to - from);
      while (!inflater.finished()) {
        int n = inflater.inflate(buffer);
        if (n == 0 || out.size() + n > MAX_TEXT_BYTES) {
          return Optional.empty();
        }
        out.write(buffer, 0, n);
      }
    } catch (DataFormatException e) {
      return Optional.empty();
    }
    return decode(out.toByteArray(), 0, out.size(), charset);
  }

  private static Optional<String> decode(byte[] data, int from, int length, Charset charset) {
    if (length > MAX_TEXT_BYTES) {
      return Optional.empty();
    }
    try {
      return Optional.of(
          charset.newDecoder().decode(ByteBuffer.wrap(data, from, length)).toString());
    } catch (CharacterCodingException e) {
      return Optional.empty();
    }
  }

  private static int zero(byte[] data, int from, int length) {
    for (int i = from; i < from + length; i++) {
      if (data[i] == 0) {
        return i;
      }
    }
    return -1;
  }
}
