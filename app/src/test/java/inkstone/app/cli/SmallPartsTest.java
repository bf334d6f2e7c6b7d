package inkstone.app.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.OutputStream;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The small parts of the command line. */
final class SmallPartsTest {
  @ParameterizedTest
  @CsvSource({
    "out.png, 1, 0, out.png",
    "out.png, 2, 1, out_001.png",
    "a.b/out, 2, 1, a.b/out_001",
    ".png, 2, 0, .png_000",
    "out_%d.png, 1, 0, out_0.png",
    "out_%03d.png, 1000, 999, out_999.png",
    "out_%03d.png, 2000, 1000, out_1000.png",
    "out_%3d.png, 2, 1, 'out_  1.png'",
    "100%.png, 1, 0, 100%.png",
    "%s-%2$d.png, 2, 1, %s-%2$d_001.png",
  })
  void outputNames(String given, int count, int index, String expected) {
    assertThat(OutputNames.of(given, count).at(index)).isEqualTo(expected);
  }

  @Test
  void json() {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("a\"\\\n\t\u0001", List.of(1, 2.5, true, "夜😀"));
    map.put("nothing", null);
    map.put("nan", Double.NaN);
    map.put("lone", "\ud83d!");

    assertThat(JsonText.of(map))
        .isEqualTo(
            "{\"a\\\"\\\\\\n\\t\\u0001\":[1,2.5,true,\"夜😀\"],\"nothing\":null,\"nan\":null,"
                + "\"lone\":\"\\ud83d!\"}");
  }

  @Test
  void shellQuotes() {
    assertThat(ShellQuote.join(List.of("./a", "-p", "it's", "", "$x", "夜")))
        .isEqualTo("./a -p 'it'\\''s' '' '$x' '夜'");
    assertThat(ShellQuote.quote("a\u001b[2J'\\b")).isEqualTo("$'a\\u001b[2J\\'\\\\b'");
  }

  @Test
  void printable() {
    assertThat(Printable.of("a\u001b[2J\u202e夜😀")).isEqualTo("a\\u001b[2J\\u202e夜😀");
  }

  @ParameterizedTest
  @CsvSource({
    "0.04, 0.0 s",
    "59.9, 59.9 s",
    "59.97, 1 min 00 s",
    "185, 3 min 05 s",
    "3725, 1 h 02 min"
  })
  void timeInWords(double seconds, String words) {
    assertThat(TimeLeft.words(seconds)).isEqualTo(words);
  }

  @Test
  void timeLeftFallsToNothing() {
    TimeLeft left = new TimeLeft();
    left.stage();
    for (int step = 1; step < 20; step++) {
      assertThat(left.step(step, 20)).isNotNegative();
    }
    assertThat(left.step(20, 20)).isZero();
  }

  @Test
  void aReaderThatLeftIsNoLoss() {
    assertThat(loss("Broken pipe")).isNull();
    assertThat(loss("No space left on device")).isEqualTo("No space left on device");
  }

  private static String loss(String reason) {
    ResultOutput output =
        new ResultOutput(
            new OutputStream() {
              @Override
              public void write(int b) throws IOException {
                throw new IOException(reason);
              }
            });
    try {
      output.write(1);
    } catch (IOException e) {
      return output.loss();
    }
    throw new AssertionError("expected an IOException");
  }
}
