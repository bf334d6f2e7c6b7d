package inkstone.loader.json;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import inkstone.loader.CheckpointException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class JsonTest {
  @TempDir Path folder;

  @Test
  void valuesKeepTheirKindAndOrder() throws Exception {
    Json json =
        Json.parse(
            "{\"z\":1,\"a\":[1.5,-2e3,true,false,null,\"\\u6c34\\ud83d\\ude00\"],\"big\":1e30,\"long\":9223372036854775807,\"wide\":123456789012345678901,\"in\":{\"er\":{}}}",
            "test");
    assertThat(json.keys()).containsExactly("z", "a", "big", "long", "wide", "in");
    assertThat(json.get("z").raw()).isEqualTo(1L);
    List<Json> items = json.get("a").items();
    assertThat(items.get(0).asDouble()).isEqualTo(1.5);
    assertThat(items.get(1).asDouble()).isEqualTo(-2000);
    assertThat(items.get(2).asBoolean()).isTrue();
    assertThat(items.get(4).isNull()).isTrue();
    assertThat(items.get(5).asString()).isEqualTo("水😀");
    assertThat(json.get("long").asLong()).isEqualTo(Long.MAX_VALUE);
    assertThat(json.get("wide").asDouble()).isEqualTo(1.2345678901234568e20);
    assertThat(json.get("in").get("er").path()).isEqualTo("in.er");
    assertThat(items.get(3).path()).isEqualTo("a[3]");
    assertThat(json.has("none")).isFalse();
    assertThat(json.declares("none")).isFalse();
    assertThat(json.string("none", "x")).isEqualTo("x");
    assertThat(json.integer("z", 5, 0, 9)).isEqualTo(1);
    assertThat(json.get("z").asDouble()).isEqualTo(1);
  }

  @Test
  void nestingOfSixtyFourReads() throws Exception {
    String deep = "[".repeat(64) + "]".repeat(64);
    assertThat(Json.parse(deep, "test").isArray()).isTrue();
  }

  @ParameterizedTest
  @MethodSource("broken")
  void brokenDocumentsAreRefused(String text, String message) {
    assertThatThrownBy(() -> Json.parse(text, "test.json"))
        .isExactlyInstanceOf(CheckpointException.class)
        .hasMessageContaining(message)
        .hasMessageContaining("(test.json); ");
  }

  static Stream<Arguments> broken() {
    return Stream.of(
        arguments("", "expected a value, got an empty document"),
        arguments("  ", "expected a value, got an empty document"),
        arguments("{", "expected the rest of the text, got its end at character 1"),
        arguments("[1", "expected the rest of the text, got its end at character 2"),
        arguments("{\"a\":1,\"a\":2}", "key \"a\", expected once, got it twice"),
        arguments("{\"b\":{\"a\":1,\"\\u0061\":2}}", "key \"b.a\", expected once, got it twice"),
        arguments("{\"b\":{\"a\":NaN}}", "key \"b.a\", expected a finite number, got NaN"),
        arguments("{\"a\":-Infinity}", "key \"a\", expected a finite number, got -Infinity"),
        arguments("{\"a\":1e999}", "key \"a\", expected a finite number, got Infinity"),
        arguments(
            "[" + "1".repeat(129) + "]",
            "Number value length (129) exceeds the maximum allowed (128)"),
        arguments(
            "[".repeat(65) + "]".repeat(65), "nesting depth (65) exceeds the maximum allowed (64)"),
        arguments("{\"a\":1}x", "expected JSON, got at character 7"),
        arguments("{\"a\":1} 2", "expected one value, got more text at character 8"),
        arguments("{a:1}", "expected JSON"),
        arguments("[1,]", "expected JSON"),
        arguments("// c\n1", "expected JSON"),
        arguments("[01]", "expected JSON"),
        arguments("[+1]", "expected JSON"),
        arguments("[.5]", "expected JSON"),
        arguments("[0x10]", "expected JSON"),
        arguments("[\"a\nb\"]", "expected JSON"),
        arguments("[\"\\x\"]", "expected JSON"),
        arguments("{\"" + "k".repeat(70_000) + "\":1}", "Name length"));
  }

  @ParameterizedTest
  @MethodSource("wrongTypes")
  void wrongTypesNameFileAndKey(Getter getter, String message) throws Exception {
    Json json =
        Json.parse(
            "{\"s\":\"x\",\"n\":3,\"f\":2.5,\"b\":true,\"l\":[1],\"o\":{\"k\":null}}", "test.json");
    assertThatThrownBy(() -> getter.get(json))
        .isExactlyInstanceOf(CheckpointException.class)
        .hasMessage(
            "config: " + message + " (test.json); use the file that the model was published with");
  }

  static Stream<Arguments> wrongTypes() {
    return Stream.of(
        wrong(j -> j.get("n").asString(), "key \"n\", expected a string, got 3"),
        wrong(
            j -> j.get("s").asInt(),
            "key \"s\", expected a whole number from -2147483648 to 2147483647, got \"x\""),
        wrong(j -> j.get("s").asLong(), "key \"s\", expected a whole number, got \"x\""),
        wrong(
            j -> j.get("f").asInt(0, 9), "key \"f\", expected a whole number from 0 to 9, got 2.5"),
        wrong(j -> j.get("n").asInt(4, 9), "key \"n\", expected a whole number from 4 to 9, got 3"),
        wrong(j -> j.get("s").asDouble(), "key \"s\", expected a number, got \"x\""),
        wrong(
            j -> j.get("n").asDouble(0, 1), "key \"n\", expected a number from 0.0 to 1.0, got 3"),
        wrong(j -> j.get("n").asBoolean(), "key \"n\", expected true or false, got 3"),
        wrong(j -> j.get("o").items(), "key \"o\", expected an array, got an object"),
        wrong(j -> j.get("l").fields(), "key \"l\", expected an object, got an array of 1"),
        wrong(j -> j.get("l").items().get(0).asString(), "key \"l[0]\", expected a string, got 1"),
        wrong(
            j -> j.get("o").get("k").asInt(1, 2),
            "key \"o.k\", expected a whole number from 1 to 2, got null"),
        wrong(j -> j.get("o").get("none"), "key \"o.none\", expected a value, got no such key"),
        wrong(j -> j.get("b").get("x"), "key \"b\", expected an object, got true"));
  }

  @Test
  void aFileIsReadStrictly() throws Exception {
    assertFileRefused(new byte[0], "expected a file of 1 to 100000000 bytes, got 0");
    assertFileRefused(new byte[] {'"', (byte) 0xff, '"'}, "expected UTF-8 text, got other bytes");
    assertFileRefused(new byte[] {(byte) 0xef, (byte) 0xbb, (byte) 0xbf, '1'}, "byte order mark");
    assertFileRefused(new byte[] {(byte) 0xff, (byte) 0xfe, '1', 0}, "byte order mark");
    assertFileRefused(new byte[] {'1', 0, '2', 0}, "expected JSON");
    assertThatThrownBy(() -> Json.read(folder))
        .isExactlyInstanceOf(CheckpointException.class)
        .hasMessageContaining("expected a file, got a folder");
    assertThatThrownBy(() -> Json.read(folder.resolve("none.json")))
        .isExactlyInstanceOf(CheckpointException.class)
        .hasMessageContaining("expected it here, got nothing");
  }

  @Test
  void documentsAreBounded() throws Exception {
    Path file = Files.writeString(folder.resolve("long.json"), "[" + "[],".repeat(2000) + "0]");
    JsonLimits small = new JsonLimits(1000, 1 << 20, 100, 100);
    assertThatThrownBy(() -> Json.read(file, small))
        .isExactlyInstanceOf(CheckpointException.class)
        .hasMessageContaining("expected a file of 1 to 1000 bytes, got 6003");
    JsonLimits tight = new JsonLimits(10_000, 100_000, 100, 100);
    assertThatThrownBy(() -> Json.read(file, tight))
        .isExactlyInstanceOf(CheckpointException.class)
        .hasMessageContaining("expected content for at most 100000 bytes of memory, got more");
  }

  private void assertFileRefused(byte[] bytes, String message) throws Exception {
    Path file = Files.write(folder.resolve("test.json"), bytes);
    assertThatThrownBy(() -> Json.read(file))
        .isExactlyInstanceOf(CheckpointException.class)
        .hasMessageContaining(message)
        .hasMessageContaining("test.json");
  }

  interface Getter {
    Object get(Json json) throws CheckpointException;
  }

  private static Arguments wrong(Getter getter, String message) {
    return arguments(getter, message);
  }
}
