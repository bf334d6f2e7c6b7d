package inkstone.app.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;
import java.util.zip.Deflater;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Texts of foreign and hostile PNG files. */
class PictureMetadataTest {
  @TempDir Path folder;

  private static byte[] latin1(String text) {
    return text.getBytes(StandardCharsets.ISO_8859_1);
  }

  private static byte[] png(Object... typesAndContents) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.writeBytes(latin1("\u0089PNG\r\n\u001a\n"));
    for (int i = 0; i < typesAndContents.length; i += 2) {
      byte[] content =
          typesAndContents[i + 1] instanceof byte[] b
              ? b
              : latin1((String) typesAndContents[i + 1]);
      out.writeBytes(ByteBuffer.allocate(4).putInt(content.length).array());
      out.writeBytes(latin1((String) typesAndContents[i]));
      out.writeBytes(content);
      out.writeBytes(new byte[4]);
    }
    return out.toByteArray();
  }

  private static byte[] deflated(String prefix, byte[] text) {
    byte[] buffer = new byte[text.length + 64];
    try (Deflater deflater = new Deflater()) {
      deflater.setInput(text);
      deflater.finish();
      int n = deflater.deflate(buffer);
      byte[] head = latin1(prefix);
      return ByteBuffer.allocate(head.length + n).put(head).put(buffer, 0, n).array();
    }
  }

  @Test
  void allThreeKindsOfText() throws Exception {
    PictureMetadata texts =
        PictureMetadata.parse(
            png(
                "tEXt", "Software\0x",
                "zTXt", deflated("parameters\0\0", latin1("caf\u00e9")),
                "iTXt",
                    deflated("inkstone\0\1\0en\0inkstone\0", "杯".getBytes(StandardCharsets.UTF_8))),
            "x");
    assertThat(texts).isEqualTo(PictureMetadata.of("caf\u00e9", "杯"));
  }

  @Test
  void theFirstOfAKindCountsAndTextsMayFollowThePixels() throws Exception {
    PictureMetadata texts =
        PictureMetadata.parse(
            png("IDAT", "", "tEXt", "parameters\0one", "tEXt", "parameters\0two", "IEND", ""), "x");
    assertThat(texts.parameters()).contains("one");
    assertThat(texts.inkstone()).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "inkstone",
        "inkstone\0",
        "inkstone\0\0",
        "inkstone\0\0\0",
        "inkstone\0\0\0no end",
        "inkstone\0\0\0en\0no end",
        "inkstone\0\2\0\0\0x",
        "inkstone\0\0\1\0\0x",
        "inkstone\0\1\0\0\0not deflated",
        "inkstone\0\1\0\0\0",
        "inkstone\0\0\0\0\0\u00ff\u00fe",
        ""
      })
  void damagedTextsCountAsLacking(String content) throws Exception {
    assertThat(PictureMetadata.parse(png("iTXt", content), "x")).isEqualTo(PictureMetadata.NONE);
  }

  @Test
  void textBombsAreNotUnpacked() throws Exception {
    byte[] bomb = deflated("inkstone\0\1\0\0\0", new byte[PictureMetadata.MAX_TEXT_BYTES + 1]);
    assertThat(bomb.length).isLessThan(10_000);
    assertThat(PictureMetadata.parse(png("iTXt", bomb), "x").inkstone()).isEmpty();
    byte[] most = new byte[PictureMetadata.MAX_TEXT_BYTES];
    Arrays.fill(most, (byte) 'a');
    assertThat(PictureMetadata.parse(png("iTXt", deflated("inkstone\0\1\0\0\0", most)), "x"))
        .extracting(m -> m.inkstone().map(String::length))
        .isEqualTo(Optional.of(PictureMetadata.MAX_TEXT_BYTES));
  }

  @Test
  void cutFiles() {
    byte[] whole = png("tEXt", "parameters\0text", "IEND", "");
    assertThatThrownBy(() -> PictureMetadata.parse(Arrays.copyOf(whole, 20), "x.png"))
        .isInstanceOf(PictureException.class)
        .hasMessageContaining("the PNG ends too early (x.png)");
  }

  @Test
  void otherFiles() throws Exception {
    Path jpeg = PictureReaderParityTest.folder().resolve("444.jpg");
    assertThatThrownBy(() -> PictureMetadata.read(jpeg))
        .isInstanceOf(PictureException.class)
        .hasMessageContaining("metadata: expected a PNG, got a JPEG picture");
    Path text = Files.writeString(folder.resolve("t.png"), "hello");
    assertThatThrownBy(() -> PictureMetadata.read(text)).hasMessageContaining("got a text file");
    assertThatThrownBy(() -> PictureMetadata.read(folder.resolve("none.png")))
        .hasMessageContaining("no such file");
  }
}
