package inkstone.parallel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(30)
class WorkerPoolTest {
  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 8})
  void coversEachItemOnce(int threads) {
    try (WorkerPool pool = new WorkerPool(threads)) {
      for (int n : new int[] {0, 1, 2, 7, 8, 9, 100, 1001}) {
        for (int granule : new int[] {1, 2, 8, 64}) {
          AtomicIntegerArray seen = new AtomicIntegerArray(n + 1);
          pool.forRange(
              n,
              granule,
              (worker, from, to) -> {
                assertThat(worker).isBetween(0, threads - 1);
                assertThat(from % granule).isZero();
                for (long i = from; i < to; i++) {
                  seen.incrementAndGet((int) i);
                }
              });
          for (int i = 0; i < n; i++) {
            assertThat(seen.get(i)).isEqualTo(1);
          }
        }
      }
    }
  }

  @Test
  void splitsAlwaysAlike() {
    try (WorkerPool pool = new WorkerPool(3)) {
      List<String> first = split(pool);
      for (int i = 0; i < 200; i++) {
        assertThat(split(pool)).isEqualTo(first);
      }
      assertThat(first).hasSize(3);
    }
  }

  private static List<String> split(WorkerPool pool) {
    List<String> parts = Collections.synchronizedList(new ArrayList<>());
    pool.forRange(100, 8, (worker, from, to) -> parts.add(worker + ":" + from + "-" + to));
    Collections.sort(parts);
    return parts;
  }

  @Test
  void manyShortRanges() {
    AtomicLong sum = new AtomicLong();
    try (WorkerPool pool = new WorkerPool(4)) {
      for (int i = 0; i < 5_000; i++) {
        pool.forRange(4, 1, (worker, from, to) -> sum.addAndGet(to - from));
      }
    }
    assertThat(sum).hasValue(20_000);
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 2})
  void exceptionOfAnyWorkerReachesTheCaller(int failing) {
    try (WorkerPool pool = new WorkerPool(3)) {
      assertThatThrownBy(() ->
              pool.forRange(
                  3,
                  1,
                  (worker, from, to) -> {
                    if (worker == failing) {
                      throw new IllegalArgumentException("worker " + worker);
                    }
                  }))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("worker " + failing);
      AtomicLong sum = new AtomicLong();
      pool.forRange(9, 1, (worker, from, to) -> sum.addAndGet(to - from));
      assertThat(sum).as("the pool still works").hasValue(9);
    }
  }

  @Test
  void errorReachesTheCaller() {
    try (WorkerPool pool = new WorkerPool(2)) {
      assertThatThrownBy(() ->
              pool.forRange(
                  2,
                  1,
                  (worker, from, to) -> {
                    throw new AssertionError("no");
                  }))
          .isInstanceOf(AssertionError.class);
    }
  }

  @Test
  void nestedCallsAreRefused() {
    try (WorkerPool pool = new WorkerPool(2)) {
      for (int nesting = 0; nesting < 2; nesting++) {
        int worker = nesting;
        assertThatThrownBy(() ->
                pool.forRange(
                    2,
                    1,
                    (w, from, to) -> {
                      if (w == worker) {
                        pool.forRange(2, 1, (inner, a, b) -> {});
                      }
                    }))
            .isInstanceOf(IllegalStateException.class)
            .hasMessageContaining("inside its own work");
      }
    }
  }

  @Test
  void closedPoolRefuses() {
    WorkerPool pool = new WorkerPool(2);
    pool.close();
    pool.close();
    assertThatThrownBy(() -> pool.forRange(1, 1, (worker, from, to) -> {}))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("closed");
  }

  @Test
  void badSizesAreRefused() {
    assertThatThrownBy(() -> new WorkerPool(0)).hasMessageContaining("1 to 1024");
    assertThatThrownBy(() -> new WorkerPool(2000)).hasMessageContaining("1 to 1024");
    try (WorkerPool pool = new WorkerPool(1)) {
      assertThatThrownBy(() -> pool.forRange(1, 0, (worker, from, to) -> {}))
          .isInstanceOf(IllegalArgumentException.class);
    }
  }
}
