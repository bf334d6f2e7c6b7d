package inkstone.loader.safetensors;

import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import inkstone.loader.CheckpointException;
import inkstone.memory.TensorArena;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Every class of hostile or damaged file gives one clear message. */
class HostileHeaderTest {
  private static final String GOOD =
      "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}";

  @TempDir Path folder;

  @ParameterizedTest(name = "{0}")
  @MethodSource("files")
  void isRefusedWithOneClearMessage(String what, byte[] file, String message) throws Exception {
    Path path = Files.write(folder.resolve("hostile.safetensors"), file);
    try (TensorArena arena = TensorArena.open("test")) {
      assertThatThrownBy(() -> SafetensorsFile.open(arena, path))
          .as(what)
          .isExactlyInstanceOf(CheckpointException.class)
          .hasMessageContaining(message)
          .hasMessageContaining("hostile.safetensors")
          .hasMessageMatching("[^\\n]{20,900}; [^\\n]{5,200}");
    }
  }

  static Stream<Arguments> files() {
    return Stream.of(
        // Length.
        arguments("empty", new byte[0], "expected a file of 8 bytes or more, got 0 ("),
        arguments("seven bytes", new byte[7], "expected a file of 8 bytes or more, got 7 ("),
        arguments(
            "length 0",
            length(0, "{}"),
            "header length at byte 0, expected 2 to 100000000, got 0 "),
        arguments("length 1", length(1, "{"), "got 1 ("),
        arguments("length 2^64-1", length(-1, "{}"), "got 18446744073709551615 ("),
        arguments("length 2^63-1", length(Long.MAX_VALUE, "{}"), "got 9223372036854775807 ("),
        arguments("length above 100 MB", length(100_000_001, "{}"), "got 100000001 ("),
        arguments(
            "length beyond the file",
            length(100, GOOD),
            "header at byte 8, expected 100 bytes, got a file with 54 left"),
        arguments(
            "length and nothing else", length(2, ""), "expected 2 bytes, got a file with 0 left"),
        // Other files.
        arguments(
            "Git LFS pointer",
            text("version https://git-lfs.github.com/spec/v1\noid"),
            "git lfs pull"),
        arguments("GGUF", text("GGUF\3\0\0\0\0\0\0\0"), "GGUF file"),
        arguments("zip", text("PK\3\4\24\0\0\0\10\10\10"), "PyTorch or zip file"),
        arguments("web page", text("<!DOCTYPE html><html>"), "web page"),
        // Text.
        arguments("byte order mark", header("\uFEFF" + GOOD), "expected '{', got byte 0xef"),
        arguments("white space first", header(" " + GOOD), "expected '{', got byte 0x20"),
        arguments("array", header("[]"), "expected '{', got byte 0x5b"),
        arguments("not UTF-8", notUtf8(), "expected UTF-8 text, got other bytes"),
        arguments("overlong UTF-8", overlongUtf8(), "expected UTF-8 text, got other bytes"),
        arguments(
            "cut JSON",
            header("{\"a\":{\"dtype\":\"F32\""),
            "expected the rest of the text, got its end at character"),
        arguments(
            "comma at the end",
            header("{\"a\":1,}"),
            "tensor \"a\", expected an object with dtype, shape and data_offsets, got 1"),
        arguments("comment", header("{/* */}"), "expected JSON, got at character 1"),
        arguments("single quotes", header("{'a':1}"), "expected JSON, got at character 1"),
        arguments(
            "text after the value",
            header(GOOD + "{}"),
            "expected one value, got more text at character 54"),
        arguments("NUL after the value", header(GOOD + "\0"), "expected JSON, got at character 54"),
        arguments(
            "deep nesting", header(deep()), "nesting depth (65) exceeds the maximum allowed (64)"),
        arguments("long name", header("{\"" + "n".repeat(5000) + "\":1}"), "Name length"),
        arguments(
            "long string",
            header("{\"__metadata__\":{\"a\":\"" + "x".repeat(5 << 20) + "\"}}"),
            "String value length"),
        arguments(
            "long number",
            header("{\"a\":{\"shape\":[" + "9".repeat(1000) + "]}}"),
            "Number value length (1000) exceeds the maximum allowed (128)"),
        // Members.
        arguments(
            "tensor twice",
            header(
                "{\"a\":"
                    + entry("F32", "[1]", "[0,4]")
                    + ",\"a\":"
                    + entry("F32", "[1]", "[0,4]")
                    + "}"),
            "tensor \"a\", expected it once, got it twice"),
        arguments(
            "tensor twice, escaped",
            header(
                "{\"a\":"
                    + entry("F32", "[1]", "[0,4]")
                    + ",\"\\u0061\":"
                    + entry("F32", "[1]", "[0,4]")
                    + "}"),
            "tensor \"a\", expected it once, got it twice"),
        arguments(
            "dtype twice",
            one("{\"dtype\":\"F32\",\"dtype\":\"F32\"}"),
            "tensor \"a\" dtype, expected it once, got it twice"),
        arguments(
            "shape twice",
            one("{\"shape\":[1],\"shape\":[1]}"),
            "tensor \"a\" shape, expected it once"),
        arguments(
            "offsets twice",
            one("{\"data_offsets\":[0,1],\"data_offsets\":[0,1]}"),
            "tensor \"a\" data_offsets, expected it once"),
        arguments(
            "metadata twice",
            header("{\"__metadata__\":{},\"__metadata__\":{}}"),
            "\"__metadata__\", expected it once"),
        arguments(
            "metadata key twice",
            header("{\"__metadata__\":{\"k\":\"1\",\"k\":\"2\"}}"),
            "metadata \"k\", expected it once"),
        arguments(
            "metadata not an object",
            header("{\"__metadata__\":[]}"),
            "\"__metadata__\", expected an object, got an array"),
        arguments(
            "metadata not strings",
            header("{\"__metadata__\":{\"k\":1}}"),
            "metadata \"k\", expected a string, got 1"),
        arguments(
            "tensor is null",
            one("null"),
            "tensor \"a\", expected an object with dtype, shape and data_offsets, got null"),
        arguments(
            "no dtype", one("{\"shape\":[1],\"data_offsets\":[0,4]}"), "got none named dtype"),
        arguments(
            "no shape", one("{\"dtype\":\"F32\",\"data_offsets\":[0,4]}"), "got none named shape"),
        arguments(
            "no offsets", one("{\"dtype\":\"F32\",\"shape\":[1]}"), "got none named data_offsets"),
        // Dtype.
        arguments(
            "unknown dtype",
            one(entry("U32", "[1]", "[0,4]")),
            "tensor \"a\" dtype, expected one of [F64, F32, F16, BF16, F8_E4M3, F8_E5M2, I64, I32, I16, I8, U8, BOOL], got \"U32\""),
        arguments("dtype in lower case", one(entry("f32", "[1]", "[0,4]")), "got \"f32\""),
        arguments(
            "dtype with control characters",
            one(entry("F32\\u0000\\u001b[31m", "[1]", "[0,4]")),
            "got \"F32\\u0000\\u001b[31m\""),
        arguments(
            "dtype a number",
            one("{\"dtype\":32}"),
            "tensor \"a\" dtype, expected a string, got 32"),
        // Shape.
        arguments(
            "shape a number", one("{\"shape\":1}"), "tensor \"a\" shape, expected an array, got 1"),
        arguments(
            "negative dimension",
            one(entry("F32", "[-1]", "[0,4]")),
            "tensor \"a\" shape, expected numbers from 0 to 2^63-1, got \"-1\""),
        arguments(
            "fractional dimension",
            one(entry("F32", "[1.5]", "[0,4]")),
            "tensor \"a\" shape, expected whole numbers, got 1.5"),
        arguments(
            "dimension 1.0",
            one(entry("F32", "[1.0]", "[0,4]")),
            "expected whole numbers, got 1.0"),
        arguments(
            "dimension 1e0",
            one(entry("F32", "[1e0]", "[0,4]")),
            "expected whole numbers, got 1e0"),
        arguments(
            "dimension a string",
            one(entry("F32", "[\"1\"]", "[0,4]")),
            "expected whole numbers, got the string \"1\""),
        arguments(
            "dimension NaN",
            one(entry("F32", "[NaN]", "[0,4]")),
            "expected whole numbers, got NaN"),
        arguments(
            "dimension 2^63",
            one(entry("F32", "[9223372036854775808]", "[0,4]")),
            "got \"9223372036854775808\""),
        arguments(
            "product overflows",
            one(entry("F32", "[4294967296,4294967296]", "[0,4]")),
            "shape, expected a size below 2^63 bytes, got [4294967296, 4294967296] of F32, which overflows"),
        arguments(
            "bytes overflow",
            one(entry("F64", "[2305843009213693952]", "[0,4]")),
            "which overflows"),
        arguments(
            "overflow hidden by a zero",
            one(entry("F32", "[4294967296,4294967296,0]", "[0,0]")),
            "which overflows"),
        arguments(
            "rank 1000",
            one(entry("F32", Arrays.toString(ones(1000)), "[0,4]")),
            "tensor \"a\" shape, expected at most 32 numbers, got more"),
        // Offsets.
        arguments(
            "one offset",
            one(entry("F32", "[1]", "[0]")),
            "data_offsets, expected [begin, end], got [0]"),
        arguments(
            "three offsets",
            one(entry("F32", "[1]", "[0,2,4]")),
            "data_offsets, expected at most 2 numbers, got more"),
        arguments("no numbers", one(entry("F32", "[1]", "[]")), "expected [begin, end], got []"),
        arguments(
            "reversed offsets",
            one(entry("F32", "[1]", "[4,0]")),
            "data_offsets, expected begin not above end, got [4, 0]"),
        arguments(
            "negative offset",
            one(entry("F32", "[1]", "[-4,0]")),
            "data_offsets, expected numbers from 0 to 2^63-1, got \"-4\""),
        arguments(
            "fractional offset",
            one(entry("F32", "[1]", "[0,4.0]")),
            "data_offsets, expected whole numbers, got 4.0"),
        arguments(
            "huge offset",
            one(entry("F32", "[1]", "[0,99999999999999999999]")),
            "got \"99999999999999999999\""),
        arguments(
            "offsets at 2^63-1",
            one(entry("F32", "[1]", "[9223372036854775803,9223372036854775807]")),
            "data_offsets end, expected at most 4 (the data in the file), got 9223372036854775807"),
        arguments(
            "dtype and size disagree",
            one(entry("BF16", "[1]", "[0,4]")),
            "data_offsets, expected 2 bytes for BF16[1], got 4 bytes, [0, 4]"),
        arguments(
            "overlap",
            file(
                "{\"a\":"
                    + entry("F32", "[1]", "[0,4]")
                    + ",\"b\":"
                    + entry("F32", "[1]", "[2,6]")
                    + "}",
                6),
            "tensor \"b\" data_offsets begin, expected 4 (the end of the tensor before), got 2, which leaves an overlap at byte"),
        arguments(
            "same range twice",
            file(
                "{\"a\":"
                    + entry("F32", "[1]", "[0,4]")
                    + ",\"b\":"
                    + entry("F32", "[1]", "[0,4]")
                    + "}",
                4),
            "tensor \"b\" data_offsets begin, expected 4 (the end of the tensor before), got 0, which leaves an overlap"),
        arguments(
            "hole",
            file(
                "{\"a\":"
                    + entry("F32", "[1]", "[0,4]")
                    + ",\"b\":"
                    + entry("F32", "[1]", "[8,12]")
                    + "}",
                12),
            "tensor \"b\" data_offsets begin, expected 4 (the end of the tensor before), got 8, which leaves a hole at byte"),
        arguments(
            "hole at the start",
            file("{\"a\":" + entry("F32", "[1]", "[4,8]") + "}", 8),
            "tensor \"a\" data_offsets begin, expected 0"),
        // Data.
        arguments(
            "data cut short",
            file(GOOD, 7),
            "tensor \"a\" data_offsets end, expected at most 7 (the data in the file), got 8"),
        arguments("no data", file(GOOD, 0), "expected at most 0 (the data in the file), got 8"),
        arguments(
            "bytes after the data",
            file(GOOD, 9),
            "data, expected 8 bytes, got 9: bytes from 72 on belong to no tensor"),
        arguments("no tensors but data", file("{}", 3), "data, expected 0 bytes, got 3"));
  }

  private static byte[] length(long length, String rest) {
    byte[] text = rest.getBytes(StandardCharsets.UTF_8);
    byte[] file = new byte[8 + text.length];
    ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN).putLong(length).put(text);
    return file;
  }

  private static byte[] text(String text) {
    return text.getBytes(StandardCharsets.ISO_8859_1);
  }

  private static byte[] header(String header) {
    return file(header, 8);
  }

  private static byte[] one(String entry) {
    return file("{\"a\":" + entry + "}", 4);
  }

  private static byte[] file(String header, int dataBytes) {
    return SafetensorsWriter.file(header, new byte[dataBytes]);
  }

  private static String entry(String dtype, String shape, String offsets) {
    return "{\"dtype\":\"%s\",\"shape\":%s,\"data_offsets\":%s}".formatted(dtype, shape, offsets);
  }

  private static byte[] notUtf8() {
    byte[] file = header("{\"?\":1}");
    file[10] = (byte) 0xff;
    return file;
  }

  private static byte[] overlongUtf8() {
    byte[] file = header("{\"??\":1}");
    file[10] = (byte) 0xc0;
    file[11] = (byte) 0xaf;
    return file;
  }

  private static String deep() {
    return "{\"a\":{\"x\":" + "[".repeat(100_000) + "]".repeat(100_000) + "}}";
  }

  private static int[] ones(int count) {
    int[] ones = new int[count];
    Arrays.fill(ones, 1);
    return ones;
  }
}
