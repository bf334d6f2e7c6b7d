package inkstone.app.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import inkstone.model.drift.DriftMap;
import inkstone.model.image.Image;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Heat maps and contact sheets: what colours are where, at every shape that a report can have. */
final class ReportPicturesTest {
  private static int colour(Image image, int x, int y) {
    int at = (y * image.width() + x) * 3;
    byte[] rgb = image.rgb();
    return (rgb[at] & 0xff) << 16 | (rgb[at + 1] & 0xff) << 8 | rgb[at + 2] & 0xff;
  }

  private static int count(Image image, int colour) {
    int count = 0;
    for (int y = 0; y < image.height(); y++) {
      for (int x = 0; x < image.width(); x++) {
        count += colour(image, x, y) == colour ? 1 : 0;
      }
    }
    return count;
  }

  @Test
  void coloursGrowBrighterEvenly() {
    double before = -1;
    Set<Integer> seen = new HashSet<>();
    for (int i = 0; i <= 100; i++) {
      int c = ColourScale.of(i / 100.0);
      double luma = 0.299 * (c >> 16) + 0.587 * (c >> 8 & 0xff) + 0.114 * (c & 0xff);
      assertThat(luma).isGreaterThan(before);
      before = luma;
      seen.add(c);
    }
    assertThat(seen).hasSize(101);
    assertThat(ColourScale.of(-1)).isEqualTo(0x440154);
    assertThat(ColourScale.of(2)).isEqualTo(0xfde725);
    assertThatThrownBy(() -> ColourScale.of(Double.NaN))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void everyLetterHasItsOwnShape() {
    String letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,:-+%/()×Δ| ";
    Set<List<Boolean>> shapes = new HashSet<>();
    for (int i = 0; i < letters.length(); i++) {
      char letter = letters.charAt(i);
      boolean[] shape = Glyphs.of(letter);
      assertThat(shape).hasSize(Glyphs.WIDTH * Glyphs.HEIGHT);
      List<Boolean> dots = new ArrayList<>();
      for (boolean dot : shape) {
        dots.add(dot);
      }
      assertThat(shapes.add(dots)).as("shape of %s", letter).isTrue();
    }
    assertThat(Glyphs.of('a')).isEqualTo(Glyphs.of('A'));
    assertThat(Glyphs.of('δ')).isEqualTo(Glyphs.of('Δ'));
    assertThat(Glyphs.of('€')).doesNotContain(false);
  }

  @Test
  void textTakesTheRoomThatItSays() {
    Canvas canvas = new Canvas(60, 30);
    canvas.text("H|H", 4, 5, 2, Canvas.INK);
    int left = 60;
    int right = 0;
    for (int y = 0; y < 30; y++) {
      for (int x = 0; x < 60; x++) {
        if (colour(canvas.image(), x, y) == Canvas.INK) {
          left = Math.min(left, x);
          right = Math.max(right, x);
          assertThat(y).isBetween(5, 4 + Canvas.textHeight(2));
        }
      }
    }
    assertThat(left).isEqualTo(4);
    assertThat(right - left + 1).isEqualTo(Canvas.textWidth("H|H", 2));
    Canvas up = new Canvas(30, 60);
    up.textUp("H|H", 5, 56, 2, Canvas.INK);
    assertThat(count(up.image(), Canvas.INK)).isEqualTo(count(canvas.image(), Canvas.INK));
  }

  private static HeatMap.Band band(String name, int steps, int layers, int references) {
    double[] errors = new double[steps * layers * references];
    errors[errors.length - 1] = 0.5;
    return new HeatMap.Band(
        name,
        new DriftMap(steps, layers, references, errors),
        Collections.nCopies(steps, "cached"));
  }

  @Test
  void theWorstPlaceIsTheBrightest() {
    Image image = HeatMap.draw("drift", List.of("one", "two"), List.of(band("", 3, 4, 2)));
    // One cell of 44 by 44, and a row of the legend.
    assertThat(count(image, 0xfde725)).isEqualTo(44 * 44 + 18);
    assertThat(count(image, 0x440154)).isEqualTo((2 * 3 * 4 - 1) * 44 * 44 + 18);
  }

  @ParameterizedTest
  @CsvSource({"1,1,1", "1000,60,1", "4,60,10", "50,2,3", "1,1000,2", "20,6,10"})
  void anyShapeFits(int steps, int layers, int references) {
    Image image =
        HeatMap.draw(
            "drift",
            List.of("line"),
            List.of(
                band("prompt", steps, layers, references),
                band("negative", steps, layers, references)));
    assertThat(image.width()).isLessThan(2000);
    int width = Math.clamp(420 / steps, 1, 44);
    int height = Math.clamp(420 / layers, 4, 44);
    int legend = steps * layers * references == 1 ? 0 : 18;
    int cells = 2 * references * steps * layers;
    if (steps * layers * references > 1) {
      assertThat(count(image, 0xfde725)).isEqualTo(2 * width * height + legend);
      assertThat(count(image, 0x440154)).isEqualTo((cells - 2) * width * height + legend);
    }
  }

  @Test
  void noDriftIsDark() {
    DriftMap none = new DriftMap(2, 2, 1, new double[4]);
    Image image =
        HeatMap.draw(
            "drift", List.of(), List.of(new HeatMap.Band("", none, List.of("full", "full"))));
    assertThat(count(image, 0x440154)).isEqualTo(4 * 44 * 44 + 18);
  }

  @Test
  void ticksKeepApart() {
    assertThat(HeatMap.ticks(8, 1, 44, 22)).containsExactly(1, 2, 3, 4, 5, 6, 7, 8);
    assertThat(HeatMap.ticks(20, 1, 21, 22)).startsWith(1, 3, 5).endsWith(19);
    assertThat(HeatMap.ticks(50, 1, 8, 22)).startsWith(1, 5, 10).endsWith(50);
    assertThat(HeatMap.ticks(60, 0, 7, 14)).startsWith(0, 5, 10).endsWith(55);
    assertThat(HeatMap.ticks(1000, 1, 1, 46)).startsWith(1, 100, 200).endsWith(1000);
  }

  @Test
  void differencesAreMagnifiedAndCut() {
    Image a = new Image(1, 1, new byte[] {10, (byte) 200, 0});
    Image b = new Image(1, 1, new byte[] {11, 100, 0});
    assertThat(colour(ContactSheet.difference(a, b, 8), 0, 0)).isEqualTo(0x08ff00);
  }

  @ParameterizedTest
  @CsvSource({"16,16,256,256", "160,96,320,192", "300,200,300,200", "2000,1000,768,384"})
  void picturesAreShownAtAReadableSize(int width, int height, int shownWidth, int shownHeight) {
    Image picture = Image.blank(width, height);
    Arrays.fill(picture.rgb(), (byte) 0x55);
    ContactSheet.Cell cell = new ContactSheet.Cell("a", "b", picture);
    Image sheet = ContactSheet.draw(List.of(List.of(cell, cell), List.of(cell, cell)));
    assertThat(count(sheet, 0x555555)).isEqualTo(4 * shownWidth * shownHeight);
  }

  @ParameterizedTest
  @CsvSource({
    "0,0",
    "0.12345,0.123",
    "12.0,12",
    "0.00012345,0.000123",
    "0.000012345,1.23e-05",
    "1234567,1.23e+06",
    "45600,45600",
    "NaN,NaN",
    "Infinity,infinite"
  })
  void figuresHaveThreeDigits(double value, String shown) {
    assertThat(Figures.of(value)).isEqualTo(shown);
  }

  @Test
  void sharesAreInPercent() {
    assertThat(Figures.percent(0.4607)).isEqualTo("46.1 %");
    assertThat(Figures.percent(-0.0001)).isEqualTo("0.0 %");
  }
}
