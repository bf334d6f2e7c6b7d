package inkstone.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TensorArenaTest {
  @Test
  void memoryIsZeroedAndAligned() {
    try (TensorArena arena = TensorArena.open("a")) {
      for (int i = 1; i < 5; i++) {
        MemorySegment segment = arena.allocate(100 * i + 1);
        assertThat(segment.address() % Alignment.CACHE_LINE).isZero();
        assertThat(segment.toArray(ValueLayout.JAVA_BYTE)).containsOnly(0);
      }
      assertThat(arena.allocate(0).byteSize()).isZero();
    }
  }

  @Test
  void bytesCountHereAndInTheParents() {
    try (TensorArena root = TensorArena.open("root")) {
      root.allocate(1000);
      TensorArena child = root.child("child");
      TensorArena grandchild = child.child("grandchild");
      grandchild.allocate(300);
      child.allocate(20);
      assertThat(grandchild.allocatedBytes()).isEqualTo(300);
      assertThat(child.allocatedBytes()).isEqualTo(320);
      assertThat(root.allocatedBytes()).isEqualTo(1320);
      assertThat(grandchild.name()).isEqualTo("root/child/grandchild");
      child.close();
      assertThat(grandchild.isClosed()).isTrue();
      assertThat(root.allocatedBytes()).isEqualTo(1000);
      assertThat(root.peakBytes()).isEqualTo(1320);
      root.child("next").allocate(100);
      assertThat(root.peakBytes()).isEqualTo(1320);
    }
  }

  @Test
  void limitHoldsForChildrenToo() {
    try (TensorArena root = TensorArena.open("small", 1000)) {
      TensorArena child = root.child("child");
      child.allocate(900);
      assertThatThrownBy(() -> child.allocate(101))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("small")
          .hasMessageContaining("1000")
          .hasMessageContaining("101");
      assertThat(child.allocatedBytes()).isEqualTo(900);
      assertThat(root.allocatedBytes()).isEqualTo(900);
      child.allocate(100);
      assertThat(root.allocatedBytes()).isEqualTo(1000);
    }
  }

  @Test
  void closedArenaRefuses() {
    TensorArena arena = TensorArena.open("gone");
    MemorySegment segment = arena.allocate(8);
    arena.close();
    arena.close();
    assertThat(arena.isClosed()).isTrue();
    assertThat(arena.allocatedBytes()).isZero();
    assertThatThrownBy(() -> arena.allocate(1))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("gone is closed");
    assertThatThrownBy(() -> arena.child("x")).isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(() -> segment.get(ValueLayout.JAVA_BYTE, 0))
        .isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(() -> AddressSpace.address(segment))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("closed");
  }

  @Test
  void impossibleSizesAreRefused() {
    try (TensorArena arena = TensorArena.open("a")) {
      assertThatThrownBy(() -> arena.allocate(-1)).isInstanceOf(IllegalArgumentException.class);
      assertThatThrownBy(() -> arena.allocate(1L << 60)).isInstanceOf(RuntimeException.class);
      assertThat(arena.allocatedBytes()).isZero();
    }
  }

  @Test
  void heapMemoryHasNoAddress() {
    assertThatThrownBy(() -> AddressSpace.address(MemorySegment.ofArray(new byte[8])))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void mappedFilesAreNotCounted(@TempDir Path folder) throws IOException {
    Path file = folder.resolve("file");
    Files.write(file, new byte[] {1, 2, 3, 4});
    try (TensorArena arena = TensorArena.open("a");
        FileChannel channel = FileChannel.open(file)) {
      MemorySegment segment = arena.map(channel, 1, 3);
      assertThat(segment.toArray(ValueLayout.JAVA_BYTE)).containsExactly(2, 3, 4);
      assertThat(segment.isReadOnly()).isTrue();
      assertThat(arena.allocatedBytes()).isZero();
    }
  }

  @Test
  void alignmentRoundsUp() {
    assertThat(Alignment.up(0, 64)).isZero();
    assertThat(Alignment.up(1, 64)).isEqualTo(64);
    assertThat(Alignment.up(64, 64)).isEqualTo(64);
    assertThatThrownBy(() -> Alignment.up(Long.MAX_VALUE, 64))
        .isInstanceOf(ArithmeticException.class);
  }
}
