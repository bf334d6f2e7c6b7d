package inkstone.app.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import inkstone.model.image.Image;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Random;
import java.util.zip.CRC32;
import java.util.zip.Deflater;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Every way a picture file can be wrong, and what is said then. */
class PictureReaderTest {
  private static final String SIGNATURE = "\u0089PNG\r\n\u001a\n";

  @TempDir Path folder;

  private static byte[] latin1(String text) {
    return text.getBytes(StandardCharsets.ISO_8859_1);
  }

  private static byte[] fixture(String name) throws Exception {
    return Files.readAllBytes(PictureReaderParityTest.folder().resolve(name));
  }

  private static byte[] chunk(String type, byte[] content) {
    CRC32 crc = new CRC32();
    crc.update(latin1(type));
    crc.update(content);
    return ByteBuffer.allocate(12 + content.length)
        .putInt(content.length)
        .put(latin1(type))
        .put(content)
        .putInt((int) crc.getValue())
        .array();
  }

  private static byte[] header(int width, int height, int depth, int color) {
    ByteBuffer b = ByteBuffer.allocate(13).putInt(width).putInt(height);
    return chunk("IHDR", b.put((byte) depth).put((byte) color).array());
  }

  private static byte[] png(byte[]... chunks) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.writeBytes(latin1(SIGNATURE));
    for (byte[] chunk : chunks) {
      out.writeBytes(chunk);
    }
    return out.toByteArray();
  }

  private static byte[] deflate(byte[] content) {
    byte[] out = new byte[content.length + 100];
    try (Deflater deflater = new Deflater()) {
      deflater.setInput(content);
      deflater.finish();
      return Arrays.copyOf(out, deflater.deflate(out));
    }
  }

  private static void refused(byte[] data, String... parts) {
    assertThatThrownBy(() -> PictureReader.decode(data, "a.png", 1 << 20))
        .isInstanceOf(PictureException.class)
        .hasMessageStartingWith("picture: ")
        .hasMessageContaining("(a.png); ")
        .hasMessageContainingAll(parts);
  }

  private void refused(Path path, String... parts) {
    assertThatThrownBy(() -> PictureReader.read(path))
        .isInstanceOf(PictureException.class)
        .hasMessageContaining(path.toString())
        .hasMessageContainingAll(parts);
  }

  @Test
  void missingFile() {
    refused(folder.resolve("none.png"), "no such file", "check the path");
  }

  @Test
  void folderInsteadOfFile() {
    refused(folder, "got a folder", "name a file inside it");
  }

  @Test
  void danglingLink() throws Exception {
    Path link = Files.createSymbolicLink(folder.resolve("l.png"), folder.resolve("none.png"));
    refused(link, "link to a missing file", "check where it points");
  }

  @Test
  @EnabledOnOs({OS.LINUX, OS.MAC})
  void device() {
    refused(Path.of("/dev/zero"), "got a device or pipe", "save the picture to a file first");
  }

  @Test
  void emptyFile() throws Exception {
    refused(Files.createFile(folder.resolve("e.png")), "the file is empty", "get a new copy");
  }

  @Test
  void enormousFile() throws Exception {
    Path path = folder.resolve("sparse.png");
    try (var file = new java.io.RandomAccessFile(path.toFile(), "rw")) {
      file.setLength(300L << 20);
    }
    refused(path, "expected at most 256 MB, got 300 MB", "make the picture smaller");
  }

  @Test
  void textWithAPictureName() {
    refused(latin1("dear diary\nnothing happened\n"), "got a text file", "choose another file");
    refused("très bien\n".getBytes(StandardCharsets.UTF_8), "got a text file");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "RIFF1234WEBPVP8 |a WebP picture|convert it to PNG first",
        "GIF89a..........|a GIF picture|convert it to PNG first",
        "II*\u0000....|a TIFF picture|convert it to PNG first",
        "\u0000\u0000\u0000\u001cftypheic|a HEIC or AVIF picture|convert it to PNG first",
        "\u0000\u0000\u0000\u000cJXL |a JPEG XL picture|convert it to PNG first",
        "8BPS....|a Photoshop file|convert it to PNG first",
        "<?xml version='1.0'?><svg>|an SVG drawing|convert it to PNG first",
        "<!DOCTYPE html><html>|a web page|choose another file",
        "%PDF-1.7|a PDF document|choose another file",
        "PK\u0003\u0004....|a ZIP archive|choose another file",
        "\u0000\u0001\u0002\u0003\u0004|a file of another kind|choose another file"
      },
      ignoreLeadingAndTrailingWhitespace = false)
  void otherFormatsAreNamed(String content, String noun, String next) {
    refused(latin1(content), "expected", "PNG", "JPEG", "got " + noun, next);
  }

  @Test
  void bitmapFilesAreNamed() {
    byte[] bmp = new byte[60];
    bmp[0] = 'B';
    bmp[1] = 'M';
    bmp[14] = 40;
    refused(bmp, "got a BMP picture");
  }

  @Test
  void decompressionBombsAreRefusedByTheirHeader() {
    byte[] bomb = png(header(50_000, 50_000, 8, 6), chunk("IDAT", new byte[20]));
    assertThatThrownBy(() -> PictureReader.decode(bomb, "b.png", PictureReader.DEFAULT_MAX_PIXELS))
        .isInstanceOf(PictureException.class)
        .hasMessage(
            "picture: 50000x50000 is too large, expected at most 64 megapixels (b.png); make it smaller");
    refused(png(header(Integer.MAX_VALUE, Integer.MAX_VALUE, 1, 0)), "is too large");
  }

  @Test
  void largeJpegsAreRefusedByTheirHeader() throws Exception {
    byte[] jpeg = fixture("420.jpg");
    int frame = indexOf(jpeg, "\u00ff\u00c0");
    jpeg[frame + 5] = (byte) 0xff;
    jpeg[frame + 7] = (byte) 0xff;
    refused(jpeg, "is too large, expected at most 1 megapixels", "make it smaller");
  }

  private static int indexOf(byte[] data, String latin1) {
    return new String(data, StandardCharsets.ISO_8859_1).indexOf(latin1);
  }

  @Test
  void theLimitIsInPixels() throws Exception {
    byte[] png = fixture("rgb8.png");
    assertThat(PictureReader.decode(png, "a", 37 * 29).width()).isEqualTo(37);
    assertThatThrownBy(() -> PictureReader.decode(png, "a", 37 * 29 - 1))
        .hasMessageContaining("37x29 is too large, expected at most 1072 pixels");
  }

  @ParameterizedTest
  @ValueSource(strings = {"rgb8.png", "palette-alpha.png", "420.jpg", "progressive.jpg"})
  void truncatedAnywhere(String name) throws Exception {
    byte[] whole = fixture(name);
    for (int length = 12; length < whole.length - 12; length += 7) {
      byte[] part = Arrays.copyOf(whole, length);
      assertThatThrownBy(() -> PictureReader.decode(part, "a", 1 << 20))
          .as("%s cut to %s bytes", name, length)
          .isInstanceOf(PictureException.class)
          .hasMessageMatching("picture: .*; the file is (truncated|damaged), get a .*copy");
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "rgb8.png",
        "rgba16.png",
        "palette-alpha.png",
        "grey1-interlaced.png",
        "turned8-xmp.png",
        "420.jpg",
        "cmyk.jpg",
        "progressive.jpg",
        "turned6.jpg"
      })
  void damagedAnywhere(String name) throws Exception {
    byte[] whole = fixture(name);
    Random random = new Random(name.hashCode());
    for (int i = 0; i < 150; i++) {
      byte[] data = whole.clone();
      for (int k = 0; k <= i % 4; k++) {
        data[8 + random.nextInt(data.length - 8)] = (byte) random.nextInt();
      }
      try {
        assertThat(PictureReader.decode(data, "a", 1 << 20)).isNotNull();
      } catch (PictureException e) {
        assertThat(e.getMessage()).startsWith("picture: ").contains("(a");
      }
    }
  }

  @Test
  void wrongChecksums() throws Exception {
    byte[] png = fixture("rgb8.png");
    png[8 + 8 + 13] ^= 1;
    refused(png, "checksum of the PNG's IHDR chunk does not fit", "the file is damaged");
    byte[] pixels = fixture("rgb8.png");
    pixels[indexOf(pixels, "IDAT") + 10] ^= 1;
    refused(pixels, "checksum of the PNG's IDAT chunk does not fit");
  }

  @ParameterizedTest
  @CsvSource({"3,2", "0,2", "8,1", "8,5", "1,2", "16,3", "4,6", "32,0"})
  void impossibleColours(int depth, int color) {
    refused(
        png(header(1, 1, depth, color), chunk("IDAT", new byte[8])),
        "colour type " + color + " with " + depth + " bits does not exist");
  }

  @Test
  void headersThatLie() {
    refused(png(header(0, 5, 8, 2)), "size, expected both sides to be 1 to 2147483647, got 0x5");
    refused(png(header(-1, 5, 8, 2)), "got 4294967295x5");
    refused(png(chunk("IDAT", new byte[4])), "first chunk, expected IHDR");
    refused(png(), "ends too early");
    refused(png(header(1, 1, 8, 2), chunk("IEND", new byte[0])), "ends too early");
    refused(png(header(1, 1, 8, 3), chunk("IDAT", new byte[9])), "palette, expected 1 to 256");
    byte[] huge = png(header(1, 1, 8, 2), chunk("IDAT", new byte[9]));
    huge[8 + 25] = 0x7f;
    refused(huge, "ends too early");
    huge[8 + 25] = (byte) 0xff;
    refused(huge, "expected a length and a type, got garbage");
  }

  @Test
  void pixelsThatAreNotThere() {
    byte[] head = header(4, 4, 8, 2);
    refused(png(head, chunk("IDAT", deflate(new byte[20]))), "pixels end too early");
    refused(png(head, chunk("IDAT", new byte[30])), "compressed data is invalid");
    byte[] filter = new byte[4 * 13];
    filter[13] = 9;
    refused(png(head, chunk("IDAT", deflate(filter))), "row filter, expected 0 to 4, got 9");
  }

  @Test
  void surplusPixelsCostNothing() throws Exception {
    byte[] bomb = deflate(new byte[50_000_000]);
    byte[] file = png(header(4, 4, 8, 2), chunk("IDAT", bomb), chunk("IEND", new byte[0]));
    Image image =
        Assertions.assertTimeoutPreemptively(
            Duration.ofSeconds(5), () -> PictureReader.decode(file, "a", 100));
    assertThat(image).isEqualTo(Image.blank(4, 4));
  }

  @Test
  void countlessChunksCostNothing() {
    byte[] one = chunk("teSt", new byte[0]);
    byte[][] chunks = new byte[200_001][];
    Arrays.fill(chunks, one);
    chunks[0] = header(1, 1, 8, 2);
    refused(png(chunks), "ends too early");
  }

  @Test
  void countlessScansAreRefused() throws Exception {
    byte[] jpeg = fixture("progressive.jpg");
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.write(jpeg, 0, jpeg.length - 2);
    for (int i = 0; i < 200; i++) {
      out.writeBytes(latin1("\u00ff\u00da\0\6\1\1\1\0\0\0"));
    }
    refused(out.toByteArray(), "scans, expected at most 100");
  }

  @Test
  void unsupportedJpegModes() throws Exception {
    byte[] jpeg = fixture("444.jpg");
    int frame = indexOf(jpeg, "\u00ff\u00c0");
    jpeg[frame + 4] = 12;
    refused(jpeg, "got 12 bits", "convert it to PNG first");
    jpeg[frame + 4] = 8;
    jpeg[frame + 1] = (byte) 0xc3;
    refused(jpeg, "in mode 3");
  }

  @Test
  void brokenExifIsNoOrientation() throws Exception {
    byte[] jpeg = fixture("turned6.jpg");
    int tiff = indexOf(jpeg, "Exif") + 6;
    for (int i = 0; i < 26; i++) {
      byte[] data = jpeg.clone();
      data[tiff + i] ^= (byte) 0xff;
      Image image = PictureReader.decode(data, "a", 1 << 20);
      assertThat(image.width() * image.height()).isEqualTo(37 * 29);
    }
  }
}
