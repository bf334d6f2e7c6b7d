package inkstone.memory;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.Test;

/** In the checked run overruns fail; in the others the check costs nothing and says nothing. */
class CheckedMemoryTwinTest {
  @Test
  void overrunsFail() {
    long at;
    try (TensorArena arena = TensorArena.open("checked")) {
      MemorySegment segment = arena.allocate(64);
      at = segment.address();
      long start = at;
      assertThatCode(() -> AddressSpace.check(start, 64)).doesNotThrowAnyException();
      assertThatCode(() -> AddressSpace.check(start + 60, 4)).doesNotThrowAnyException();
      refused(start + 61, 4);
      refused(start - 1, 1);
    }
    refused(at, 1);
  }

  private static void refused(long address, long bytes) {
    if (AddressSpace.CHECKED) {
      assertThatThrownBy(() -> AddressSpace.check(address, bytes))
          .isInstanceOf(IndexOutOfBoundsException.class)
          .hasMessageContaining("outside every live region");
    } else {
      assertThatCode(() -> AddressSpace.check(address, bytes)).doesNotThrowAnyException();
    }
  }
}
