package inkstone.loader.gguf;

import static inkstone.loader.gguf.GgufBuilder.join;
import static inkstone.loader.gguf.GgufBuilder.text;
import static inkstone.loader.gguf.GgufBuilder.u32;
import static inkstone.loader.gguf.GgufBuilder.u64;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import inkstone.loader.CheckpointException;
import inkstone.memory.TensorArena;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Every field of a header, with every wrong value: one clear message. */
class HostileGgufTest {
  private static final int F32 = 0;

  @TempDir Path folder;

  @ParameterizedTest(name = "{0}")
  @MethodSource("files")
  void isRefusedWithOneClearMessage(String what, byte[] file, String message) throws Exception {
    Path path = Files.write(folder.resolve("hostile.gguf"), file);
    try (TensorArena arena = TensorArena.open("test")) {
      assertThatThrownBy(() -> GgufFile.open(arena, path))
          .as(what)
          .isExactlyInstanceOf(CheckpointException.class)
          .hasMessageContaining(message)
          .hasMessageContaining("hostile.gguf")
          .hasMessageMatching("[^\\n]{20,900}; [^\\n]{5,200}");
    }
  }

  static Stream<Arguments> files() {
    return Stream.of(start(), metadata(), tensors(), ranges()).flatMap(cases -> cases);
  }

  private static Stream<Arguments> start() {
    byte[] good = good().bytes();
    return Stream.of(
        arguments("empty", new byte[0], "expected \"GGUF\", got an empty file"),
        arguments("three bytes", "GGU".getBytes(StandardCharsets.US_ASCII), "got a text file"),
        arguments("only the magic", Arrays.copyOf(good, 4), "expected 24 bytes or more, got 4"),
        arguments("23 bytes", Arrays.copyOf(good, 23), "expected 24 bytes or more, got 23"),
        arguments("text", ascii("not a model, but a text of some length\n"), "got a text file"),
        arguments("web page", ascii("\n <!doctype html><title>404</title>      "), "a web page"),
        arguments("zip", ascii("PK\3\4\24\0\0\0\10\10\10\0\0\0\0\0\0\0\0\0\0\0\0\0"), "zip file"),
        arguments(
            "LFS pointer",
            ascii("version https://git-lfs.github.com/spec/v1\noid"),
            "run 'git lfs pull'"),
        arguments(
            "safetensors",
            join(u64(100), ascii("{\"a\":{\"dtype\":\"F32\"")),
            "got a safetensors file"),
        arguments("version 0", good().bytes(0, 1, 0), "expected 2 or 3, got 0"),
        arguments("version 1", good().bytes(1, 1, 0), "got 1, whose lengths have 32 bits"),
        arguments("version 4", good().bytes(4, 1, 0), "version at byte 4, expected 2 or 3, got 4"),
        arguments("big-endian", good().bytes(3 << 24, 1, 0), "a big-endian file of version 3"),
        arguments("version -1", good().bytes(-1, 1, 0), "got 4294967295"),
        arguments(
            "tensor count beyond the file",
            good().bytes(3, 1000, 0),
            "tensor count at byte 8, expected at most "),
        arguments("tensor count 2^64-1", good().bytes(3, -1, 0), "got 18446744073709551615"),
        arguments(
            "metadata count beyond the file",
            good().bytes(3, 1, 1000),
            "metadata count at byte 16, expected at most "),
        arguments(
            "metadata count 2^63-1", good().bytes(3, 1, Long.MAX_VALUE), "got 9223372036854775807"),
        arguments("one tensor too many", good().bytes(3, 2, 0), "name of tensor 1"));
  }

  private static Stream<Arguments> metadata() {
    return Stream.of(
        pair("empty key", "", 4, u32(1), "metadata key 0 length at byte 24, expected 1 to 65535"),
        pair("key of 64 KB", "k".repeat(65_536), 4, u32(1), "expected 1 to 65535 bytes, got 65536"),
        arguments(
            "key longer than the file",
            join(head(0, 1), u64(1000), new byte[40]),
            "metadata key 0 at byte 32, expected 1000 bytes, got a file with 40 left"),
        arguments(
            "key of 2^64-1 bytes",
            join(head(0, 1), u64(-1), new byte[40]),
            "metadata key 0 length at byte 24, expected at most 4194304 bytes, got 18446744073709551615"),
        arguments(
            "key not UTF-8",
            join(head(0, 1), u64(2), new byte[] {(byte) 0xc3, 0x28}, new byte[40]),
            "metadata key 0 at byte 32, expected UTF-8, got other bytes"),
        arguments(
            "key twice",
            new GgufBuilder().u32("a", 1).u32("a", 2).bytes(),
            "metadata \"a\" at byte 41, expected it once, got it twice"),
        pair(
            "type 13",
            "a",
            13,
            u32(1),
            "metadata \"a\" type at byte 33, expected a number from 0 to 12, got 13"),
        pair("type 2^32-1", "a", -1, u32(1), "got 4294967295"),
        pair(
            "flag 2",
            "a",
            7,
            new byte[] {2},
            "metadata \"a\" at byte 37, expected 0 or 1 for a BOOL, got 2"),
        arguments(
            "value cut",
            join(head(0, 1), text("a"), u32(10), new byte[7]),
            "metadata \"a\" at byte 37, expected 8 bytes, got a file with 7 left"),
        pair(
            "string longer than the file",
            "a",
            8,
            u64(100),
            "metadata \"a\" at byte 45, expected 100 bytes"),
        pair(
            "string of 5 MB",
            "a",
            8,
            u64(5 << 20),
            "metadata \"a\" length at byte 37, expected at most 4194304 bytes, got 5242880"),
        pair("string of 2^63 bytes", "a", 8, u64(Long.MIN_VALUE), "got 9223372036854775808"),
        pair("string not UTF-8", "a", 8, join(u64(1), new byte[] {-1}), "expected UTF-8"),
        pair("array of type 13", "a", 9, join(u32(13), u64(0)), "metadata \"a\" element type"),
        pair(
            "array longer than the file",
            "a",
            9,
            join(u32(4), u64(1000)),
            "metadata \"a\" element count at byte 41, expected at most "),
        pair("array of 2^64-1", "a", 9, join(u32(0), u64(-1)), "got 18446744073709551615"),
        pair(
            "array whose bytes overflow",
            "a",
            9,
            join(u32(10), u64(1L << 61)),
            "got 2305843009213693952"),
        pair(
            "array of strings, the second cut",
            "a",
            9,
            join(u32(8), u64(2), text("x"), u64(99)),
            "metadata \"a\" at byte "),
        pair(
            "array of strings not UTF-8",
            "a",
            9,
            join(u32(8), u64(1), u64(1), new byte[] {-128}),
            "expected UTF-8"),
        pair(
            "deep arrays",
            "a",
            9,
            deep(5),
            "expected arrays nested at most 4 deep, got deeper ones"),
        pair("very deep arrays", "a", 9, deep(100_000), "expected arrays nested at most 4 deep"),
        pair(
            "alignment 0",
            "general.alignment",
            4,
            u32(0),
            "\"general.alignment\", expected a whole number from 1 to 1048576, got 0"),
        pair("alignment 48", "general.alignment", 4, u32(48), "expected a power of two, got 48"),
        pair("alignment 2^31", "general.alignment", 4, u32(1 << 31), "got 2147483648"),
        pair(
            "alignment a string",
            "general.alignment",
            8,
            text("32"),
            "expected a whole number from 1 to 1048576, got STRING"));
  }

  private static Stream<Arguments> tensors() {
    return Stream.of(
        info(
            "name empty",
            "",
            F32,
            0,
            new long[] {2},
            "name of tensor 0 length at byte 24, expected 1 to 1024"),
        info("name of 1025 bytes", "n".repeat(1025), F32, 0, new long[] {2}, "got 1025"),
        arguments(
            "name longer than the file",
            join(head(1, 0), u64(5000), new byte[40]),
            "name of tensor 0 at byte 32, expected 5000 bytes"),
        arguments(
            "name twice",
            new GgufBuilder().info("a", F32, 0, 2).info("a", F32, 32, 2).data(64).bytes(),
            "tensor \"a\" at byte 57, expected it once, got it twice"),
        info(
            "9 dimensions",
            "a",
            F32,
            0,
            new long[9],
            "tensor \"a\" dimension count at byte 33, expected at most 8, got 9"),
        arguments(
            "2^32-1 dimensions",
            join(head(1, 0), text("a"), u32(-1), new byte[40]),
            "got 4294967295"),
        info(
            "dimension 2^63",
            "a",
            F32,
            0,
            new long[] {Long.MIN_VALUE},
            "tensor \"a\" dimension at byte 37, expected a size below 2^63, got 9223372036854775808"),
        info(
            "elements overflow",
            "a",
            F32,
            0,
            new long[] {1L << 32, 1L << 32},
            "tensor \"a\" shape at byte 53, expected a size below 2^63 bytes"),
        info("bytes overflow", "a", F32, 0, new long[] {1L << 62}, "of F32, which overflows"),
        info(
            "overflow hidden by a zero",
            "a",
            F32,
            0,
            new long[] {1L << 40, 1L << 40, 0},
            "which overflows"),
        info(
            "type 17",
            "a",
            17,
            0,
            new long[] {256},
            "tensor \"a\" type at byte 45, expected one of F64, F32, F16, BF16, I64, I32, I16, I8, Q8_0, Q4_0, Q4_1, Q5_0, Q5_1, Q2_K, Q3_K, Q4_K, Q5_K, Q6_K, IQ4_NL, IQ4_XS, got IQ2_XS (type number 17)"),
        info("type 99", "a", 99, 0, new long[] {256}, "got type number 99"),
        info("type 2^32-1", "a", -1, 0, new long[] {256}, "got type number 4294967295"),
        info(
            "half a block",
            "a",
            8,
            0,
            new long[] {2, 16},
            "tensor \"a\" last dimension at byte 53, expected a multiple of Q8_0's block of 32, got [2, 16]"),
        info(
            "scalar of blocks",
            "a",
            12,
            0,
            new long[0],
            "a multiple of Q4_K's block of 256, got []"),
        arguments(
            "list cut",
            Arrays.copyOf(good().bytes(), 50),
            "tensor \"a\" offset at byte 49, expected 8 bytes, got a file with 1 left"));
  }

  private static Stream<Arguments> ranges() {
    return Stream.of(
        info(
            "offset not aligned",
            "a",
            F32,
            8,
            new long[] {2},
            "tensor \"a\" offset, expected a multiple of 32, got 8"),
        info(
            "offset 2^64-32",
            "a",
            F32,
            -32,
            new long[] {2},
            "tensor \"a\" offset at byte 49, expected one inside the file, got 18446744073709551584"),
        info(
            "offset 2^63-32",
            "a",
            F32,
            Long.MAX_VALUE - 31,
            new long[] {9},
            "expected one inside the file"),
        info(
            "beyond the file",
            "a",
            F32,
            0,
            new long[] {17},
            "tensor \"a\" data, expected to end within the 64 bytes of data in the file, got an end at 68"),
        info("behind the file", "a", F32, 96, new long[] {2}, "got an end at 104"),
        arguments(
            "no data at all",
            Arrays.copyOf(good().bytes(), 60),
            "expected to end within the 0 bytes of data in the file, got an end at 8"),
        arguments(
            "overlap",
            new GgufBuilder().info("a", F32, 0, 9).info("b", F32, 32, 2).data(64).bytes(),
            "tensor \"b\" offset, expected 36 or more (the end of the tensor before), got 32, which leaves an overlap"),
        arguments(
            "the same place twice",
            new GgufBuilder().info("a", F32, 32, 2).info("b", F32, 32, 2).data(64).bytes(),
            "which leaves an overlap"),
        arguments(
            "original shape of other elements",
            new GgufBuilder()
                .i32s("comfy.gguf.orig_shape.a", 3, 5)
                .info("a", F32, 0, 4, 4)
                .data(64)
                .bytes(),
            "\"comfy.gguf.orig_shape.a\", expected a shape of 16 elements in whole blocks of 1 for tensor \"a\", got [3, 5]"),
        arguments(
            "negative original shape",
            new GgufBuilder()
                .i32s("comfy.gguf.orig_shape.a", -4, -4)
                .info("a", F32, 0, 4, 4)
                .data(64)
                .bytes(),
            "expected a shape, got [-4, -4]"),
        arguments(
            "original shape that cuts blocks",
            new GgufBuilder()
                .i32s("comfy.gguf.orig_shape.a", 4, 16)
                .info("a", 2, 0, 1, 64)
                .data(64)
                .bytes(),
            "in whole blocks of 32"),
        arguments(
            "original shape of a wrong type",
            new GgufBuilder()
                .string("comfy.gguf.orig_shape.a", "[4, 4]")
                .info("a", F32, 0, 4, 4)
                .data(64)
                .bytes(),
            "expected an array of at most 8 whole numbers, got STRING"));
  }

  /** One F32 tensor of two elements, and no metadata. */
  private static GgufBuilder good() {
    return new GgufBuilder().info("a", F32, 0, 2).data(64);
  }

  private static Arguments pair(String what, String key, int type, byte[] value, String message) {
    return arguments(what, new GgufBuilder().raw(key, type, value).data(8).bytes(), message);
  }

  private static Arguments info(
      String what, String name, int type, long offset, long[] shape, String message) {
    return arguments(
        what, new GgufBuilder().info(name, type, offset, shape).data(64).bytes(), message);
  }

  private static byte[] head(long tensors, long pairs) {
    return join(ascii("GGUF"), u32(3), u64(tensors), u64(pairs));
  }

  /** The value of an array of one array of one array…, {@code depth} of them. */
  private static byte[] deep(int depth) {
    byte[] value = new byte[12 * depth];
    for (int i = 0; i < depth; i++) {
      System.arraycopy(join(u32(i + 1 < depth ? 9 : 0), u64(1)), 0, value, 12 * i, 12);
    }
    return join(value, new byte[1]);
  }

  private static byte[] ascii(String text) {
    return text.getBytes(StandardCharsets.ISO_8859_1);
  }
}
