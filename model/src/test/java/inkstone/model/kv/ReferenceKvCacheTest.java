package inkstone.model.kv;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import inkstone.memory.TensorArena;
import inkstone.ops.Compute;
import inkstone.ops.KeyValue;
import inkstone.tensor.Tensor;
import inkstone.tensor.TensorAssert;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

final class ReferenceKvCacheTest {
  private static final int ROWS = 11;
  private static final int HEADS = 2;
  private static final int DIM = 6;
  private static final int CHANNELS = HEADS * DIM;

  private final TensorArena arena = TensorArena.open("test");
  private final Compute compute = Compute.open(2);

  @AfterEach
  void close() {
    compute.close();
    arena.close();
  }

  private ReferenceKvCache open(KvDtype dtype) {
    return ReferenceKvCache.open(
        compute, arena, new KvLayout(2, 4, ROWS, HEADS, DIM, dtype, false));
  }

  private Tensor heads(int rows, float[] values) {
    return Tensor.of(arena, "heads", values, rows, HEADS, DIM);
  }

  private Tensor scratch() {
    return Tensor.f32(arena, "scratch", ROWS, HEADS, DIM);
  }

  /** Values of several magnitudes, signs and zeros; the same for the same seed. */
  private static float[] random(int seed, int rows) {
    Random random = new Random(seed);
    float[] values = new float[rows * CHANNELS];
    for (int i = 0; i < values.length; i++) {
      float magnitude = (float) Math.pow(10, random.nextInt(5) - 3);
      values[i] = random.nextInt(9) == 0 ? 0 : magnitude * (float) random.nextGaussian();
    }
    return values;
  }

  private void fill(ReferenceKvCache cache, int seed) {
    cache.beginWrite();
    for (int layer = 2; layer <= 4; layer++) {
      cache.put(
          layer,
          heads(ROWS, random(seed + layer, ROWS)),
          heads(ROWS, random(seed + 10 * layer, ROWS)),
          scratch());
    }
    cache.endWrite();
  }

  private float[] key(ReferenceKvCache cache, int layer) {
    Tensor out = scratch();
    cache.copyKey(layer, out);
    return out.toFloatArray();
  }

  private float[] value(ReferenceKvCache cache, int layer) {
    Tensor out = scratch();
    cache.copyValue(layer, out);
    return out.toFloatArray();
  }

  /** Bound of the error of an element that the type allows. */
  private static void assertKept(KvDtype dtype, String what, float[] fresh, float[] kept) {
    TensorAssert.compare(what, fresh, kept); // none that is not finite
    for (int i = 0; i < fresh.length; i++) {
      double bound =
          switch (dtype) {
            case F32 -> 0;
            case BF16 -> Math.abs(fresh[i]) / 256;
            case F16 -> Math.max(Math.abs(fresh[i]) / 2048, 0x1p-25);
            case INT8 -> {
              int head = i / DIM * DIM;
              float most = 0;
              for (int c = head; c < head + DIM; c++) {
                most = Math.max(most, Math.abs(fresh[c]));
              }
              yield most / 127.0 * (0.5 + 0x1p-16);
            }
          };
      assertThat(Math.abs((double) fresh[i] - kept[i]))
          .as(what + " " + i)
          .isLessThanOrEqualTo(bound);
    }
  }

  @ParameterizedTest
  @EnumSource(KvDtype.class)
  void everyLayerGivesBackItsOwnKeysAndValuesWithinTheBoundOfItsType(KvDtype dtype) {
    try (ReferenceKvCache cache = open(dtype)) {
      fill(cache, 5);
      for (int layer = 2; layer <= 4; layer++) {
        assertKept(dtype, "key", random(5 + layer, ROWS), key(cache, layer));
        assertKept(dtype, "value", random(5 + 10 * layer, ROWS), value(cache, layer));
      }
    }
  }

  @ParameterizedTest
  @EnumSource(KvDtype.class)
  void someRowsReplaceThoseAndNoOthers(KvDtype dtype) {
    try (ReferenceKvCache cache = open(dtype)) {
      for (int[] rows : new int[][] {{0}, {10}, {1, 2, 7}, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, {}}) {
        fill(cache, 5);
        float[] oldKey = key(cache, 3);
        float[] oldValue = value(cache, 3);
        float[] otherLayer = key(cache, 4);
        float[] freshKey = random(91, rows.length);
        float[] freshValue = random(92, rows.length);
        cache.beginRefresh();
        cache.put(
            3,
            rows,
            heads(rows.length, freshKey),
            heads(rows.length, freshValue),
            scratch().rows(0, rows.length),
            scratch().rows(0, rows.length));
        cache.endWrite();
        assertRows(dtype, rows, oldKey, freshKey, key(cache, 3));
        assertRows(dtype, rows, oldValue, freshValue, value(cache, 3));
        TensorAssert.assertBits("other layer", otherLayer, key(cache, 4));
      }
    }
  }

  private static void assertRows(
      KvDtype dtype, int[] rows, float[] old, float[] fresh, float[] kept) {
    for (int row = 0; row < ROWS; row++) {
      float[] mine = Arrays.copyOfRange(kept, row * CHANNELS, (row + 1) * CHANNELS);
      int at = Arrays.binarySearch(rows, row);
      if (at >= 0) {
        float[] wanted = Arrays.copyOfRange(fresh, at * CHANNELS, (at + 1) * CHANNELS);
        assertKept(dtype, "fresh row " + row, wanted, mine);
      } else {
        float[] wanted = Arrays.copyOfRange(old, row * CHANNELS, (row + 1) * CHANNELS);
        TensorAssert.assertBits("old row " + row, wanted, mine);
      }
    }
  }

  @ParameterizedTest
  @EnumSource(KvDtype.class)
  void attentionReadsWhatACopyShows(KvDtype dtype) {
    try (ReferenceKvCache cache = open(dtype)) {
      fill(cache, 5);
      KeyValue read = cache.keyValue(3, scratch(), scratch());
      TensorAssert.assertBits("key", key(cache, 3), read.k().toFloatArray());
      TensorAssert.assertBits("value", value(cache, 3), read.v().toFloatArray());
      assertThat(cache.rowsRead()).isEqualTo(ROWS);
      assertThat(cache.bytesRead()).isEqualTo(cache.layout().layerBytes());
    }
  }

  @ParameterizedTest
  @EnumSource(KvDtype.class)
  void itsBytesAreThoseOfItsLayoutAndGoWithIt(KvDtype dtype) {
    for (boolean resumes : new boolean[] {false, true}) {
      long before = arena.allocatedBytes();
      KvLayout layout = new KvLayout(2, 4, ROWS, HEADS, DIM, dtype, resumes);
      ReferenceKvCache cache = ReferenceKvCache.open(compute, arena, layout);
      assertThat(cache.bytes()).isEqualTo(layout.bytes());
      assertThat(arena.allocatedBytes() - before).isEqualTo(layout.bytes());
      cache.close();
      cache.close();
      assertThat(arena.allocatedBytes()).isEqualTo(before);
      assertThat(cache.filled()).isFalse();
    }
  }

  @Test
  void aCacheThatDoesNotFitIsRefusedAndFreesWhatItHadTaken() {
    KvLayout layout = new KvLayout(0, 9, ROWS, HEADS, DIM, KvDtype.F32, true);
    try (TensorArena small = TensorArena.open("small", layout.bytes() - 1)) {
      assertThatThrownBy(() -> ReferenceKvCache.open(compute, small, layout))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("is limited to");
      assertThat(small.allocatedBytes()).isZero();
    }
  }

  @Test
  void driftIsTheDistanceOfWhatIsReplaced() {
    try (ReferenceKvCache cache = open(KvDtype.F32)) {
      fill(cache, 5);
      assertThat(cache.drift()).isEqualTo(SliceDrift.NONE);
      fill(cache, 5);
      assertThat(cache.drift().measured()).isTrue();
      assertThat(cache.drift().relative()).isZero();
      fill(cache, 6);
      double difference = 0;
      double reference = 0;
      for (int layer = 2; layer <= 4; layer++) {
        for (int factor : new int[] {1, 10}) {
          float[] old = random(5 + factor * layer, ROWS);
          float[] fresh = random(6 + factor * layer, ROWS);
          for (int i = 0; i < old.length; i++) {
            difference += Math.pow((double) old[i] - fresh[i], 2);
            reference += Math.pow(fresh[i], 2);
          }
        }
      }
      assertThat(cache.drift().relative())
          .isCloseTo(
              Math.sqrt(difference / reference),
              org.assertj.core.data.Percentage.withPercentage(1e-4));
    }
  }

  @Test
  void whatAnotherKeyKeptIsNotMeasured() {
    try (ReferenceKvCache cache = open(KvDtype.F32)) {
      cache.admit(KvKeyTest.KEY);
      fill(cache, 5);
      cache.admit(KeyMutations.mutated(KvKeyTest.KEY, "text"));
      fill(cache, 6);
      assertThat(cache.drift()).isEqualTo(SliceDrift.NONE);
    }
  }

  @Test
  void everyComponentOfTheKeyAloneIsAMissThatNamesIt() {
    try (ReferenceKvCache cache = open(KvDtype.F32)) {
      assertThat(cache.admit(KvKeyTest.KEY)).isEmpty();
      assertThat(cache.filled()).isFalse();
      for (String name : KeyMutations.OTHERS.keySet()) {
        fill(cache, 5);
        assertThat(cache.admit(KvKeyTest.KEY)).isEmpty();
        assertThat(cache.filled()).isTrue();
        assertThat(cache.admit(KeyMutations.mutated(KvKeyTest.KEY, name))).containsExactly(name);
        assertThat(cache.filled()).as(name).isFalse();
        assertThatThrownBy(() -> cache.keyValue(3, scratch(), scratch()))
            .isInstanceOf(IllegalStateException.class);
        fill(cache, 6);
        assertThat(cache.admit(KvKeyTest.KEY)).containsExactly(name);
      }
    }
  }

  @Test
  void nothingIsReadBeforeAWholePassOrDuringTheNext() {
    try (ReferenceKvCache cache = open(KvDtype.F32)) {
      assertUnread(cache);
      assertThatThrownBy(cache::beginRefresh)
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("run a full pass first");
      fill(cache, 5);
      cache.beginWrite();
      assertUnread(cache);
      cache.abandonWrite();
      assertUnread(cache);
      fill(cache, 5);
      cache.beginRefresh();
      assertThat(cache.filled()).isFalse();
      cache.keyValue(3, scratch(), scratch());
      cache.abandonWrite();
      assertUnread(cache);
      assertThatThrownBy(cache::endWrite)
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("no pass has begun");
    }
  }

  private void assertUnread(ReferenceKvCache cache) {
    assertThat(cache.filled()).isFalse();
    assertThatThrownBy(() -> cache.keyValue(3, scratch(), scratch()))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage(
            "ReferenceKvCache.keyValue: layer 3, expected rows of a whole pass, got none; run a"
                + " full pass first");
  }

  @Test
  void otherLayersRowsAndHeadsAreRefused() {
    try (ReferenceKvCache cache = open(KvDtype.F32)) {
      Tensor fits = scratch();
      assertThatThrownBy(() -> cache.put(3, fits, fits, scratch()))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("outside a pass");
      cache.beginWrite();
      for (int layer : new int[] {-1, 1, 5}) {
        assertThatThrownBy(() -> cache.put(layer, fits, fits, scratch()))
            .isInstanceOf(IllegalArgumentException.class)
            .hasMessageContaining("expected 2 to 4, got " + layer);
      }
      Tensor fewer = fits.rows(0, ROWS - 1);
      Tensor turned = fits.view(ROWS, DIM, HEADS);
      for (Tensor wrong : List.of(fewer, turned)) {
        assertThatThrownBy(() -> cache.put(3, wrong, fits, scratch()))
            .isInstanceOf(IllegalArgumentException.class)
            .hasMessageContaining("layer 3, expected [11, 2, 6], got " + wrong.shape());
        assertThatThrownBy(() -> cache.put(3, fits, wrong, scratch()))
            .isInstanceOf(IllegalArgumentException.class);
      }
      assertThatThrownBy(() -> cache.put(3, new int[] {1, 2}, fewer, fewer, scratch(), scratch()))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("expected [2, 2, 6]");
    }
  }

  @Test
  void hiddenRowsNeedALayoutThatResumes() {
    Tensor hidden = Tensor.of(arena, "hidden", random(3, ROWS), ROWS, CHANNELS);
    try (ReferenceKvCache cache = open(KvDtype.F32)) {
      assertThatThrownBy(() -> cache.putResume(hidden))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("expected a layout that resumes");
      assertThatThrownBy(() -> cache.copyResume(hidden)).isInstanceOf(IllegalStateException.class);
    }
    KvLayout layout = new KvLayout(0, 0, ROWS, HEADS, DIM, KvDtype.INT8, true);
    try (ReferenceKvCache cache = ReferenceKvCache.open(compute, arena, layout)) {
      cache.putResume(hidden);
      Tensor out = Tensor.f32(arena, "out", ROWS, CHANNELS);
      cache.copyResume(out);
      TensorAssert.assertBits("hidden", random(3, ROWS), out.toFloatArray());
    }
  }
}
