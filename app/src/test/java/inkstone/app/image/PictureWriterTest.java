package inkstone.app.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import inkstone.model.image.Image;
import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PictureWriterTest {
  private static final PictureMetadata TEXTS =
      PictureMetadata.of("a cup\nSteps: 4, Seed: 7", "{\"prompt\":\"a cup\",\"zh\":\"杯子 🍵\"}");

  @TempDir Path folder;

  private static Image picture(int width, int height) {
    Image image = Image.blank(width, height);
    Random random = new Random(5);
    for (int i = 0; i < image.rgb().length; i++) {
      // Smooth in parts and noisy in others, so that every row filter is used.
      int x = i / 3 % width;
      image.rgb()[i] = (byte) (x < width / 2 ? i / 3 / width * 3 + x : random.nextInt(256));
    }
    return image;
  }

  private List<String> names() throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.map(f -> f.getFileName().toString()).sorted().toList();
    }
  }

  private void refused(Path target, String... parts) throws IOException {
    List<String> before = names();
    assertThatThrownBy(() -> PictureWriter.checkWritable(target))
        .isInstanceOf(PictureException.class)
        .hasMessageStartingWith("output: ")
        .hasMessageContainingAll(parts);
    assertThatThrownBy(() -> PictureWriter.write(target, picture(2, 2), TEXTS))
        .isInstanceOf(PictureException.class)
        .hasMessageContainingAll(parts);
    assertThat(names()).isEqualTo(before);
  }

  @ParameterizedTest
  @CsvSource({"1,1", "1,50", "50,1", "64,48", "37,29"})
  void readsBackWhatItWrote(int width, int height) throws Exception {
    Path target = folder.resolve("out.png");
    Image image = picture(width, height);
    PictureWriter.checkWritable(target);
    assertThat(names()).isEmpty();
    PictureWriter.write(target, image, TEXTS);
    assertThat(names()).containsExactly("out.png");
    assertThat(PictureReader.read(target)).isEqualTo(image);
    assertThat(PictureMetadata.read(target)).isEqualTo(TEXTS);
  }

  @Test
  void otherReadersAgree() throws Exception {
    Image image = picture(41, 23);
    byte[] png = PictureWriter.encode(image, TEXTS);
    BufferedImage read = ImageIO.read(new ByteArrayInputStream(png));
    for (int y = 0; y < 23; y++) {
      for (int x = 0; x < 41; x++) {
        int at = (y * 41 + x) * 3;
        int rgb =
            (image.rgb()[at] & 0xff) << 16
                | (image.rgb()[at + 1] & 0xff) << 8
                | (image.rgb()[at + 2] & 0xff);
        assertThat(read.getRGB(x, y) & 0xffffff).isEqualTo(rgb);
      }
    }
  }

  @Test
  void theSamePictureGivesTheSameBytes() {
    assertThat(PictureWriter.encode(picture(64, 64), TEXTS))
        .isEqualTo(PictureWriter.encode(picture(64, 64), TEXTS));
  }

  @Test
  void parametersAreWhereOtherToolsLook() {
    String latin =
        new String(PictureWriter.encode(picture(2, 2), TEXTS), StandardCharsets.ISO_8859_1);
    assertThat(latin).contains("tEXtparameters\0a cup\nSteps: 4, Seed: 7");
    assertThat(latin).contains("iTXtinkstone\0\0\0\0\0{");
    PictureMetadata chinese = PictureMetadata.of("杯子", "{}");
    byte[] png = PictureWriter.encode(picture(2, 2), chinese);
    assertThat(new String(png, StandardCharsets.UTF_8)).contains("iTXtparameters\0\0\0\0\0杯子");
  }

  @Test
  void zeroBytesDoNotCutTexts() throws Exception {
    byte[] png = PictureWriter.encode(picture(2, 2), PictureMetadata.of("a\0b", "c\0d"));
    assertThat(PictureMetadata.parse(png, "x")).isEqualTo(PictureMetadata.of("a b", "c d"));
  }

  @Test
  void noTextsNoChunks() throws Exception {
    byte[] png = PictureWriter.encode(picture(2, 2), PictureMetadata.NONE);
    assertThat(new String(png, StandardCharsets.ISO_8859_1)).doesNotContain("tEXt", "iTXt");
    assertThat(PictureMetadata.parse(png, "x")).isEqualTo(PictureMetadata.NONE);
  }

  @Test
  void replacesAndFollowsLinks() throws Exception {
    Path target = Files.writeString(folder.resolve("old.png"), "old");
    Path link = Files.createSymbolicLink(folder.resolve("link.png"), target);
    PictureWriter.checkWritable(link);
    assertThat(target).hasContent("old");
    PictureWriter.write(link, picture(3, 3), TEXTS);
    assertThat(Files.isSymbolicLink(link)).isTrue();
    assertThat(PictureReader.read(target)).isEqualTo(picture(3, 3));
    assertThat(names()).containsExactly("link.png", "old.png");
  }

  @Test
  void relativeNames() {
    assertThatCode(() -> PictureWriter.checkWritable(Path.of("some-new-picture.png")))
        .doesNotThrowAnyException();
    assertThat(Path.of("some-new-picture.png")).doesNotExist();
  }

  @Test
  void missingFolder() throws Exception {
    refused(folder.resolve("a/b.png"), "no such folder", folder + "/a", "create it");
  }

  @Test
  void fileAsFolder() throws Exception {
    Path file = Files.createFile(folder.resolve("file"));
    refused(file.resolve("b.png"), file + " is a file, expected a folder", "another place");
  }

  @Test
  void folderAsFile() throws Exception {
    Path inner = Files.createDirectory(folder.resolve("dir.png"));
    refused(inner, "expected a file name, got a folder", "add a name such as out.png");
    refused(Path.of(""), "names no file");
    refused(Path.of("/"), "names no file");
  }

  @Test
  void otherFormats() throws Exception {
    refused(folder.resolve("a.JPG"), "ends in .png, got .jpg", "only PNG is written");
    refused(folder.resolve("a.webp"), "got .webp");
  }

  @Test
  void danglingLink() throws Exception {
    Path link = Files.createSymbolicLink(folder.resolve("l.png"), folder.resolve("no/x.png"));
    refused(link, "link to a missing file");
  }

  @Test
  @EnabledOnOs({OS.LINUX, OS.MAC})
  void device() throws Exception {
    refused(Path.of("/dev/null"), "it is a device or pipe");
  }

  @Test
  @EnabledOnOs(OS.LINUX)
  void folderThatTakesNoFiles() throws Exception {
    refused(Path.of("/proc/self/out.png"), "can't write /proc/self/out.png", "choose another");
  }

  @Test
  void failuresLeaveTheTargetAsItWas() throws Exception {
    Path target = folder.resolve("out.png");
    PictureWriter.checkWritable(target);
    // The name becomes a folder with something in it between the check and the end of the run.
    Files.createDirectory(target);
    Files.createFile(target.resolve("x"));
    assertThatThrownBy(() -> PictureWriter.write(target, picture(2, 2), TEXTS))
        .isInstanceOf(PictureException.class);
    assertThat(names()).containsExactly("out.png");
  }
}
