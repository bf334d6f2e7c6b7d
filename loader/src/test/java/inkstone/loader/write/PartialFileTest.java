package inkstone.loader.write;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import inkstone.tensor.DType;
import inkstone.tensor.Shape;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A file is whole or not there, and nothing of the user's is lost. */
final class PartialFileTest {
  @TempDir Path folder;

  private Path target;

  @BeforeEach
  void target() {
    target = folder.resolve("out.gguf");
  }

  /** A disk with room for some bytes. */
  private static final class SmallDisk implements WritableByteChannel {
    private final WritableByteChannel channel;
    private int room;

    SmallDisk(WritableByteChannel channel, int room) {
      this.channel = channel;
      this.room = room;
    }

    @Override
    public int write(ByteBuffer bytes) throws IOException {
      if (room == 0) {
        throw new IOException("No space left on device");
      }
      int n = Math.min(room, bytes.remaining());
      int limit = bytes.limit();
      bytes.limit(bytes.position() + n);
      int written = channel.write(bytes);
      bytes.limit(limit);
      room -= written;
      return written;
    }

    @Override
    public boolean isOpen() {
      return channel.isOpen();
    }

    @Override
    public void close() throws IOException {
      channel.close();
    }
  }

  @Test
  void aFullDiskLeavesTheOldFileAndNoPart() throws Exception {
    Files.writeString(target, "old");
    OutputException failed;
    try (PartialFile file =
        PartialFile.open(target, 1000, true, sink -> new SmallDisk(sink, 600))) {
      file.write(MemorySegment.ofArray(new byte[500]));
      assertThat(names()).containsExactly("out.gguf", "out.gguf.partial");
      failed =
          catchThrowableOfType(
              OutputException.class, () -> file.write(MemorySegment.ofArray(new byte[500])));
    }
    assertThat(failed)
        .hasMessageContaining("No space left on device")
        .hasMessageContaining("out.gguf");
    assertThat(failed.isRefused()).isFalse();
    assertThat(failed.nextStep()).contains("space");
    assertThat(names()).containsExactly("out.gguf");
    assertThat(target).hasContent("old");
  }

  @Test
  void spaceIsAskedForBeforeTheFirstByte() throws Exception {
    assertThatThrownBy(() -> PartialFile.open(target, 1L << 60, false))
        .isInstanceOf(OutputException.class)
        .hasMessageContaining("not enough space, expected 1152921504606.8 MB free, got");
    assertThat(names()).isEmpty();
  }

  @Test
  void anExistingFileIsReplacedOnlyWhenAsked() throws Exception {
    Files.writeString(target, "old");
    OutputException refused =
        catchThrowableOfType(
            OutputException.class, () -> PartialFile.write(target, new byte[] {1}, false));
    assertThat(refused).hasMessageContaining("is there already");
    assertThat(refused.isRefused()).isTrue();
    assertThat(refused.nextStep()).contains("--force");
    assertThat(target).hasContent("old");

    PartialFile.write(target, "new".getBytes(StandardCharsets.UTF_8), true);
    assertThat(target).hasContent("new");
    assertThat(names()).containsExactly("out.gguf");
  }

  @Test
  void whatAppearsMeanwhileIsNotReplaced() throws Exception {
    try (PartialFile file = PartialFile.open(target, 3, false)) {
      file.write(MemorySegment.ofArray(new byte[3]));
      Files.writeString(target, "another's");
      assertThatThrownBy(file::commit).hasMessageContaining("is there already");
    }
    assertThat(target).hasContent("another's");
    assertThat(names()).containsExactly("out.gguf");
  }

  @Test
  void aPartThatIsBeingWrittenIsLeftAlone() throws Exception {
    try (PartialFile first = PartialFile.open(target, 3, false)) {
      first.write(MemorySegment.ofArray("one".getBytes(StandardCharsets.UTF_8)));
      assertThatThrownBy(() -> PartialFile.open(target, 3, false))
          .isInstanceOf(OutputException.class)
          .hasMessageContaining("already writes");
      first.commit();
    }
    assertThat(target).hasContent("one");
  }

  @Test
  void aPartThatWasLeftBehindIsOverwritten() throws Exception {
    Files.writeString(folder.resolve("out.gguf.partial"), "a long rest of a killed process");
    PartialFile.write(target, "new".getBytes(StandardCharsets.UTF_8), false);
    assertThat(target).hasContent("new");
    assertThat(names()).containsExactly("out.gguf");
  }

  @Test
  void placesThatAreNoFilesAreRefused() throws Exception {
    Path link = Files.createSymbolicLink(folder.resolve("link"), folder.resolve("nowhere"));
    for (Path bad : List.of(folder, folder.resolve("none").resolve("a.gguf"), link)) {
      OutputException refused =
          catchThrowableOfType(OutputException.class, () -> PartialFile.check(bad, true));
      assertThat(refused).as("%s", bad).isNotNull();
      assertThat(refused.isRefused()).isTrue();
    }
  }

  @Test
  void aTensorThatIsNotWholeIsNotCommitted() throws Exception {
    TensorSpec spec = new TensorSpec("a", DType.F32, Shape.of(2, 2));
    try (TensorWriter writer = SafetensorsWriter.open(target, List.of(spec), Map.of(), false)) {
      writer.write(MemorySegment.ofArray(new byte[12]));
      assertThatThrownBy(writer::commit).hasMessageContaining("a lacks 4 bytes");
      assertThatThrownBy(() -> writer.write(MemorySegment.ofArray(new byte[5])))
          .hasMessageContaining("at most 4 of a");
    }
    assertThat(names()).isEmpty();
  }

  @Test
  void namesAndTypesThatAFileCannotHoldAreRefused() throws Exception {
    TensorSpec block = new TensorSpec("a", DType.Q8_0, Shape.of(1, 32));
    TensorSpec float8 = new TensorSpec("a", DType.F8_E4M3, Shape.of(4));
    TensorSpec plain = new TensorSpec("a", DType.F32, Shape.of(4));
    assertThatThrownBy(() -> SafetensorsWriter.open(target, List.of(block), Map.of(), false))
        .hasMessageContaining("write GGUF");
    assertThatThrownBy(() -> GgufWriter.open(target, List.of(float8), new GgufFields(), false))
        .hasMessageContaining("F8_E4M3");
    assertThatThrownBy(
            () -> GgufWriter.open(target, List.of(plain, plain), new GgufFields(), false))
        .hasMessageContaining("unlike names");
    assertThatThrownBy(() -> new TensorSpec("a", DType.Q4_K, Shape.of(2, 128)))
        .hasMessageContaining("multiple of its block of 256");
    assertThat(names()).isEmpty();
  }

  private List<String> names() throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.map(file -> file.getFileName().toString()).sorted().toList();
    }
  }
}
