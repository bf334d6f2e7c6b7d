package inkstone.app.image;

import inkstone.model.image.Image;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.zip.CRC32;
import java.util.zip.Deflater;

/**
 * RGB to PNG bytes. The same picture and texts give the same bytes on the same Java: no time stamp,
 * fixed compression level, filters chosen by a fixed rule.
 */
final class PngEncoder {
  private static final byte[] SIGNATURE = {(byte) 0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
  private static final int FILTERS = 5;
  private static final int PIXEL_BYTES = 3;
  private static final int COMPRESSION = 6;

  private PngEncoder() {}

  static byte[] encode(Image image, PictureMetadata metadata) {
    ByteArrayOutputStream out = new ByteArrayOutputStream(image.rgb().length / 2 + 1024);
    out.writeBytes(SIGNATURE);
    ByteBuffer header = ByteBuffer.allocate(13);
    header.putInt(image.width()).putInt(image.height());
    header.put((byte) 8).put((byte) 2).put((byte) 0).put((byte) 0).put((byte) 0);
    chunk(out, "IHDR", header.array());
    metadata.parameters().ifPresent(text -> text(out, "parameters", text));
    metadata.inkstone().ifPresent(text -> international(out, "inkstone", text));
    chunk(out, "IDAT", compress(image));
    chunk(out, "IEND", new byte[0]);
    return out.toByteArray();
  }

  /** A tEXt chunk where Latin-1 holds the text, as other tools write it, else iTXt. */
  private static void text(ByteArrayOutputStream out, String keyword, String text) {
    if (!StandardCharsets.ISO_8859_1.newEncoder().canEncode(text)) {
      international(out, keyword, text);
      return;
    }
    chunk(out, "tEXt", (keyword + "\0" + clean(text)).getBytes(StandardCharsets.ISO_8859_1));
  }

  /** Keyword, no compression, no language, no translated keyword, UTF-8 text. */
  private static void international(ByteArrayOutputStream out, String keyword, String text) {
    String content = keyword + "\0\0\0\0\0" + clean(text);
    chunk(out, "iTXt", content.getBytes(StandardCharsets.UTF_8));
  }

  /** A zero byte would end the text. */
  private static String clean(String text) {
    return text.replace('\0', ' ');
  }

  private static void chunk(ByteArrayOutputStream out, String type, byte[] content) {
    byte[] name = type.getBytes(StandardCharsets.ISO_8859_1);
    CRC32 crc = new CRC32();
    crc.update(name);
    crc.update(content);
    ByteBuffer number = ByteBuffer.allocate(4);
    out.writeBytes(number.putInt(0, content.length).array());
    out.writeBytes(name);
    out.writeBytes(content);
    out.writeBytes(number.putInt(0, (int) crc.getValue()).array());
  }

  private static byte[] compress(Image image) {
    int rowBytes = image.width() * PIXEL_BYTES;
    byte[] above = new byte[rowBytes];
    byte[] row = new byte[rowBytes];
    byte[][] filtered = new byte[FILTERS][1 + rowBytes];
    ByteArrayOutputStream out = new ByteArrayOutputStream(image.rgb().length / 2 + 64);
    byte[] buffer = new byte[1 << 15];
    try (Deflater deflater = new Deflater(COMPRESSION)) {
      for (int y = 0; y < image.height(); y++) {
        System.arraycopy(image.rgb(), y * rowBytes, row, 0, rowBytes);
        deflater.setInput(filtered[filter(row, above, filtered)]);
        drain(deflater, buffer, out);
        byte[] swap = above;
        above = row;
        row = swap;
      }
      deflater.finish();
      drain(deflater, buffer, out);
    }
    return out.toByteArray();
  }

  private static void drain(Deflater deflater, byte[] buffer, ByteArrayOutputStream out) {
    for (int n = deflater.deflate(buffer); n > 0; n = deflater.deflate(buffer)) {
      out.write(buffer, 0, n);
    }
  }

  /** Applies all filters and returns the one with the smallest sum of absolute differences. */
  private static int filter(byte[] row, byte[] above, byte[][] filtered) {
    long[] sums = new long[FILTERS];
    for (int kind = 0; kind < FILTERS; kind++) {
      filtered[kind][0] = (byte) kind;
    }
    for (int i = 0; i < row.length; i++) {
      int left = i >= PIXEL_BYTES ? row[i - PIXEL_BYTES] & 0xff : 0;
      int corner = i >= PIXEL_BYTES ? above[i - PIXEL_BYTES] & 0xff : 0;
      int up = above[i] & 0xff;
      put(filtered, sums, 0, i, row[i]);
      put(filtered, sums, 1, i, row[i] - left);
      put(filtered, sums, 2, i, row[i] - up);
      put(filtered, sums, 3, i, row[i] - ((left + up) >> 1));
      put(filtered, sums, 4, i, row[i] - PngDecoder.paeth(left, up, corner));
    }
    int best = 0;
    for (int kind = 1; kind < FILTERS; kind++) {
      if (sums[kind] < sums[best]) {
        best = kind;
      }
    }
    return best;
  }

  private static void put(byte[][] filtered, long[] sums, int kind, int i, int value) {
    filtered[kind][1 + i] = (byte) value;
    sums[kind] += Math.abs((byte) value);
  }
}
