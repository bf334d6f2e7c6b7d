package inkstone.loader.safetensors;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import inkstone.loader.CheckpointException;
import inkstone.memory.TensorArena;
import inkstone.tensor.DType;
import inkstone.tensor.Shape;
import inkstone.tensor.Tensor;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a good file gives, and what paths are refused before their content counts. */
class SafetensorsFileTest {
  @TempDir Path folder;

  private final TensorArena arena = TensorArena.open("test");

  @AfterEach
  void closeArena() {
    arena.close();
  }

  @Test
  void everyDtypeReads() throws Exception {
    Path path =
        new SafetensorsWriter()
            .raw("f64", DType.F64, little(16).putDouble(1.5).putDouble(-2).array(), 2)
            .f32("f32", new float[] {1.5f, -2}, 2)
            .f16("f16", new float[] {1.5f, -2}, 2)
            .bf16("bf16", new float[] {1.5f, -2}, 2)
            .raw("e4m3", DType.F8_E4M3, new byte[] {0x3c, (byte) 0xc0}, 2)
            .raw("e5m2", DType.F8_E5M2, new byte[] {0x3e, (byte) 0xc0}, 2)
            .i64("i64", new long[] {Long.MAX_VALUE, -2}, 2)
            .raw("i32", DType.I32, little(8).putInt(Integer.MIN_VALUE).putInt(-2).array(), 2)
            .raw("i16", DType.I16, little(4).putShort((short) -300).putShort((short) 7).array(), 2)
            .raw("i8", DType.I8, new byte[] {-128, 127}, 2)
            .raw("u8", DType.U8, new byte[] {(byte) 200, 7}, 2)
            .raw("bool", DType.BOOL, new byte[] {1, 0}, 2)
            .write(folder.resolve("dtypes.safetensors"));
    SafetensorsFile file = SafetensorsFile.open(arena, path);
    assertThat(file.names()).hasSize(12); // all but the quantised ones
    for (String name : new String[] {"f64", "f32", "f16", "bf16", "e4m3", "e5m2"}) {
      assertThat(file.tensor(name).toFloatArray()).as(name).containsExactly(1.5f, -2f);
    }
    assertThat(longs(file, "i64")).containsExactly(Long.MAX_VALUE, -2);
    assertThat(longs(file, "i32")).containsExactly(Integer.MIN_VALUE, -2);
    assertThat(longs(file, "i16")).containsExactly(-300, 7);
    assertThat(longs(file, "i8")).containsExactly(-128, 127);
    assertThat(longs(file, "u8")).containsExactly(200, 7);
    assertThat(longs(file, "bool")).containsExactly(1, 0);
    assertThat(arena.allocatedBytes()).isZero();
  }

  @Test
  void scalarsEmptyTensorsMetadataAndOddOffsetsRead() throws Exception {
    Path path =
        new SafetensorsWriter()
            .metadata("format", "pt")
            .metadata("text \"quoted\"", "line\nbreak \u00e9 \u6c34")
            .raw("byte", DType.U8, new byte[] {9})
            .f32("scalar", new float[] {3.5f})
            .raw("empty", DType.F32, new byte[0], 3, 0)
            .f32("last", new float[] {1, 2, 3, 4}, 2, 2)
            .write(folder.resolve("odd.safetensors"));
    SafetensorsFile file = SafetensorsFile.open(arena, path);
    assertThat(file.metadata())
        .containsEntry("format", "pt")
        .containsEntry("text \"quoted\"", "line\nbreak \u00e9 \u6c34");
    assertThat(file.tensor("scalar").rank()).isZero();
    assertThat(file.tensor("scalar").toFloatArray()).containsExactly(3.5f);
    assertThat(file.tensor("empty").shape()).isEqualTo(Shape.of(3, 0));
    assertThat(file.tensor("empty").toFloatArray()).isEmpty();
    assertThat(file.tensor("last").toFloatArray()).containsExactly(1, 2, 3, 4);
    assertThat(file.tensor("last").address() % 4).as("an odd offset").isEqualTo(1);
    assertThat(file.header().tensors().get("last").begin()).isEqualTo(5);
  }

  @Test
  void aFileWithoutTensorsReads() throws Exception {
    Path path =
        Files.write(folder.resolve("none.safetensors"), SafetensorsWriter.file("{}", new byte[0]));
    assertThat(SafetensorsFile.open(arena, path).names()).isEmpty();
    Path empty =
        new SafetensorsWriter()
            .raw("a", DType.F32, new byte[0], 0)
            .write(folder.resolve("empty.safetensors"));
    assertThat(SafetensorsFile.open(arena, empty).tensor("a").elements()).isZero();
  }

  @Test
  void unknownMembersOfATensorAreIgnored() throws Exception {
    String header =
        "{\"a\":{\"extra\":{\"deep\":[1,{\"x\":null}]},\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}";
    Path path =
        Files.write(
            folder.resolve("extra.safetensors"), SafetensorsWriter.file(header, new byte[] {5}));
    assertThat(longs(SafetensorsFile.open(arena, path), "a")).containsExactly(5);
  }

  @Test
  void filesBeyondTwoGibibytesAreMapped() throws Exception {
    long rows = (5L << 30) / 4096;
    String header =
        "{\"big\":{\"dtype\":\"U8\",\"shape\":[%d,4096],\"data_offsets\":[0,%d]},\"end\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[%d,%d]}}"
            .formatted(rows, rows * 4096, rows * 4096, rows * 4096 + 4);
    byte[] start = SafetensorsWriter.file(header, new byte[0]);
    Path path = folder.resolve("big.safetensors");
    try (FileChannel channel =
        FileChannel.open(
            path,
            StandardOpenOption.CREATE_NEW,
            StandardOpenOption.WRITE,
            StandardOpenOption.SPARSE)) {
      channel.write(ByteBuffer.wrap(start));
      channel.write(ByteBuffer.wrap(new byte[] {77}), start.length + rows * 4096 - 1);
      channel.write(little(4).putFloat(2.5f).flip(), start.length + rows * 4096);
    }
    SafetensorsFile file = SafetensorsFile.open(arena, path);
    assertThat(file.tensor("end").toFloatArray()).containsExactly(2.5f);
    Tensor big = file.tensor("big");
    assertThat(big.elements()).isEqualTo(5L << 30);
    assertThat(big.getLong(big.elements() - 1)).isEqualTo(77);
    assertThat(big.rows(rows - 1, rows).getLong(4095)).isEqualTo(77);
    assertThat(arena.allocatedBytes()).isZero();
  }

  @Test
  void tensorsOfAClosedArenaFailWithoutACrash() throws Exception {
    Path path =
        new SafetensorsWriter().f32("a", new float[] {1}, 1).write(folder.resolve("a.safetensors"));
    Tensor tensor;
    try (TensorArena closing = TensorArena.open("closing")) {
      tensor = SafetensorsFile.open(closing, path).tensor("a");
    }
    assertThatThrownBy(() -> tensor.getFloat(0)).isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(tensor::address).isInstanceOf(IllegalStateException.class);
  }

  @Test
  void anUnknownNameIsTheCallersMistake() throws Exception {
    Path path =
        new SafetensorsWriter().f32("a", new float[] {1}, 1).write(folder.resolve("a.safetensors"));
    SafetensorsFile file = SafetensorsFile.open(arena, path);
    assertThatThrownBy(() -> file.tensor("b"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("no tensor \"b\"");
  }

  @Test
  void aFolderIsRefused() {
    assertRefused(
        folder, "path: expected a file, got a folder (", "give the path of the file itself");
  }

  @Test
  void aMissingFileIsRefused() {
    assertRefused(
        folder.resolve("none"), "file: expected it here, got nothing (", "check the path");
  }

  @Test
  void aDeviceOrPipeIsRefusedBeforeItIsOpened() {
    Path device = Path.of("/dev/null");
    if (Files.exists(device)) {
      assertRefused(
          device, "path: expected a file, got a device or pipe (/dev/null)", "give the path");
    }
  }

  @Test
  void aLoopOfLinksIsRefused() throws Exception {
    Path link = folder.resolve("loop.safetensors");
    Files.createSymbolicLink(link, link);
    assertRefused(link, "file: reading failed, got: ", "loop.safetensors");
  }

  @Test
  void missingPermissionIsExplained() {
    assertThat(
            CheckpointException.unreadable(
                "x.safetensors", new AccessDeniedException("x.safetensors")))
        .hasMessage(
            "file: expected a readable file, got permission denied (x.safetensors); allow this user to read it");
  }

  @Test
  void aReadErrorIsExplained() {
    assertThat(CheckpointException.unreadable("x", new IOException("Input/output error")))
        .hasMessage(
            "file: reading failed, got: Input/output error (x); check the path and the disk");
  }

  @Test
  void namesFromFilesCannotForgeMessages() {
    assertThat(CheckpointException.quote("a\n\u001b[2J\u202e\ud800" + "x".repeat(500)))
        .startsWith("\"a\\u000a\\u001b[2J\\u202e\\ud800xxx")
        .endsWith("x… (508 characters)\"");
  }

  private void assertRefused(Path path, String... parts) {
    assertThatThrownBy(() -> SafetensorsFile.open(arena, path))
        .isExactlyInstanceOf(CheckpointException.class)
        .message()
        .contains(Arrays.asList(parts));
  }

  private static long[] longs(SafetensorsFile file, String name) {
    Tensor tensor = file.tensor(name);
    return LongStream.range(0, tensor.elements()).map(tensor::getLong).toArray();
  }

  private static ByteBuffer little(int bytes) {
    return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }
}
