package inkstone.model.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import inkstone.model.dit.LatentGrid;
import inkstone.model.dit.RandomTransformer;
import inkstone.model.kv.KvDtype;
import inkstone.model.kv.KvKey;
import inkstone.model.kv.KvLayout;
import inkstone.model.kv.KvPolicy;
import inkstone.model.kv.ReferenceKey;
import inkstone.model.kv.ReferenceKvCache;
import inkstone.tensor.TensorAssert;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the design promises of the reference cache, on the pipeline's passes. */
final class RefCacheInvariantsTest {
  private static final LatentGrid TARGET = new LatentGrid(4, 5);
  private static final LatentGrid FIRST = new LatentGrid(3, 3);
  private static final LatentGrid SECOND = new LatentGrid(6, 4);
  private static final long ROWS = 9 + 24;
  private static final long TOKENS = 6 + 20 + ROWS;

  @TempDir private Path temporary;

  @Test
  void whatAnEarlierRequestReadInTheBankIsNotCountedAgain() throws IOException {
    try (ReuseRig rig = new ReuseRig(temporary, RandomTransformer.causal(3), 1)) {
      var request = ReuseRig.Request.of(1, 4, new KvPolicy.Causal(true), TARGET, FIRST, SECOND);
      CacheStats cold = rig.stats(request);
      CacheStats warm = rig.stats(request);
      assertThat(cold.bytes()).isEqualTo(3 * 2 * ROWS * 24 * 4);
      assertThat(cold.bytesRead()).isEqualTo(4 * cold.bytes());
      assertThat(warm.bytesRead()).isEqualTo(4 * cold.bytes());
    }
  }

  @Test
  void aPrefillReusesNoRows() throws IOException {
    try (ReuseRig rig = new ReuseRig(temporary, RandomTransformer.causal(3), 1)) {
      var request = ReuseRig.Request.of(1, 4, new KvPolicy.Causal(true), TARGET, FIRST, SECOND);
      CacheStats cold = rig.stats(request);
      CacheStats warm = rig.stats(request);
      assertThat(cold.prefills()).isEqualTo(2);
      assertThat(warm.prefills()).isZero();
      assertThat(warm.rowsComputed()).isEqualTo(4 * 3 * (TOKENS - ROWS));
      assertThat(cold.rowsComputed()).isEqualTo(warm.rowsComputed() + 3 * ROWS);
      assertThat(warm.rowsReused()).isEqualTo(4 * 3 * ROWS);
      assertThat(cold.rowsReused()).isEqualTo(warm.rowsReused());
    }
  }

  private static final KvPolicy CAUSAL = new KvPolicy.Causal(true);

  /** Every policy that keeps keys, but causal. */
  static final List<KvPolicy> LOSSY =
      List.of(
          KvPolicy.anchored(),
          new KvPolicy.Anchored(1, 2, 1, 1),
          new KvPolicy.Rolling(3, 1),
          new KvPolicy.Adaptive(0.3));

  private ReuseRig rig(boolean zeroCondT, int threads) throws IOException {
    return new ReuseRig(temporary, RandomTransformer.config(3, zeroCondT, false), threads);
  }

  @Test
  void exactAndPoliciesWithNothingToLoseAreOff() throws IOException {
    for (boolean zeroCondT : new boolean[] {true, false}) {
      try (ReuseRig rig = rig(zeroCondT, 1)) {
        for (int steps : new int[] {1, 3}) {
          var request =
              ReuseRig.Request.of(1, steps, KvPolicy.off(), TARGET, FIRST, SECOND).withGuidance();
          List<float[]> off = rig.run(request);
          for (KvPolicy policy :
              List.of(
                  KvPolicy.exact(),
                  new KvPolicy.Anchored(1, 1, 0, KvPolicy.LAST_LAYER),
                  new KvPolicy.Rolling(1, 1),
                  new KvPolicy.Adaptive(0))) {
            ReuseRig.assertBits(policy.toString(), off, rig.run(request.with(policy)));
            assertThat(rig.stats(request.with(policy)).bytes()).isZero();
          }
        }
      }
    }
  }

  @Test
  void theFirstStepOfEveryLossyPolicyIsOff() throws IOException {
    try (ReuseRig rig = rig(true, 1)) {
      for (KvDtype dtype : KvDtype.values()) {
        var request = ReuseRig.Request.of(1, 4, KvPolicy.off(), TARGET, FIRST, SECOND);
        List<float[]> off = rig.run(request);
        for (KvPolicy policy : LOSSY) {
          List<float[]> lossy = rig.run(request.with(policy).with(dtype));
          TensorAssert.assertBits(policy.toString(), off.getFirst(), lossy.getFirst());
          assertThat(Arrays.equals(off.getLast(), lossy.getLast())).as("%s", policy).isFalse();
        }
      }
    }
  }

  @Test
  void anyThreadCountGivesTheSameBits() throws IOException {
    for (KvPolicy policy : LOSSY) {
      var request = ReuseRig.Request.of(1, 4, policy, TARGET, FIRST, SECOND).withGuidance();
      List<float[]> expected = null;
      for (int threads : new int[] {1, 2, 5}) {
        try (ReuseRig rig = rig(true, threads)) {
          List<float[]> seen = rig.run(request);
          expected = expected == null ? seen : expected;
          ReuseRig.assertBits(policy + ", " + threads + " threads", expected, seen);
        }
      }
    }
  }

  @Test
  void causalIsOffWithAndWithoutABankAndFromItAgain() throws IOException {
    try (ReuseRig rig = new ReuseRig(temporary, RandomTransformer.causal(3), 2)) {
      var request = ReuseRig.Request.of(1, 3, KvPolicy.off(), TARGET, FIRST, SECOND).withGuidance();
      List<float[]> off = rig.run(request);
      ReuseRig.assertBits("no bank", off, rig.run(request.with(new KvPolicy.Causal(false))));
      assertThat(rig.bank.bytes()).isZero();
      ReuseRig.assertBits("cold", off, rig.run(request.with(CAUSAL)));
      assertThat(rig.bank.bytes()).isEqualTo(3 * 2 * ROWS * 24 * 4);
      ReuseRig.assertBits("warm", off, rig.run(request.with(CAUSAL)));

      // Another prompt, seed and step count takes the same references from the bank.
      CacheStats warm = rig.stats(ReuseRig.Request.of(1, 2, CAUSAL, TARGET, FIRST, SECOND));
      assertThat(warm.prefills()).isZero();
      assertThat(warm.misses()).isZero();
      assertThat(warm.approximate()).isFalse();
    }
  }

  @Test
  void theBankTellsReferencesTypesAndPlacesApart() throws IOException {
    try (ReuseRig rig = new ReuseRig(temporary, RandomTransformer.causal(2), 1)) {
      var request = ReuseRig.Request.of(1, 2, CAUSAL, TARGET, FIRST, FIRST);
      assertThat(rig.stats(request).misses()).isEqualTo(2);
      assertThat(rig.stats(request).misses()).isZero();
      // Other pictures of the same sizes, the other type, one reference less
      assertThat(rig.stats(ReuseRig.Request.of(2, 2, CAUSAL, TARGET, FIRST, FIRST)).misses())
          .isEqualTo(2);
      assertThat(rig.stats(request.with(KvDtype.BF16)).misses()).isEqualTo(2);
      var wider = ReuseRig.Request.of(1, 2, CAUSAL, new LatentGrid(5, 5), FIRST, FIRST);
      ReuseRig.assertBits("other target", rig.run(wider.with(KvPolicy.off())), rig.run(wider));
      ReuseRig.assertBits("again", rig.run(request.with(KvPolicy.off())), rig.run(request));
      assertThat(rig.stats(request).misses()).isZero();
    }
  }

  @Test
  void requestsOfEqualShapesLeaveNothingToEachOther() throws IOException {
    try (ReuseRig rig = new ReuseRig(temporary, RandomTransformer.causal(3), 1)) {
      long before = rig.bytes();
      for (KvPolicy policy : policies()) {
        var a = ReuseRig.Request.of(1, 3, policy, TARGET, FIRST, SECOND).withGuidance();
        var b = ReuseRig.Request.of(2, 3, policy, TARGET, FIRST, SECOND).withGuidance();
        List<float[]> first = rig.run(a);
        List<float[]> other = rig.run(b);
        assertThat(Arrays.equals(first.getLast(), other.getLast())).isFalse();
        ReuseRig.assertBits(policy + ": a again", first, rig.run(a));
        ReuseRig.assertBits(policy + ": b again", other, rig.run(b));
        rig.bank.clear();
        assertThat(rig.bytes()).isEqualTo(before);
      }
    }
  }

  private static List<KvPolicy> policies() {
    List<KvPolicy> all = new ArrayList<>(LOSSY);
    all.add(KvPolicy.exact());
    all.add(new KvPolicy.Causal(false));
    all.add(CAUSAL);
    return all;
  }

  @Test
  void interleavedRequestsGiveTheirSerialBits() throws IOException {
    try (ReuseRig rig = new ReuseRig(temporary, RandomTransformer.causal(3), 1)) {
      List<ReuseRig.Request> requests = new ArrayList<>();
      int seed = 1;
      for (KvPolicy policy : policies()) {
        for (KvDtype dtype : List.of(KvDtype.F32, KvDtype.INT8)) {
          LatentGrid last = seed % 2 == 0 ? SECOND : FIRST;
          requests.add(
              ReuseRig.Request.of(seed++, 4, policy, TARGET, FIRST, last)
                  .withGuidance()
                  .with(dtype));
        }
      }
      List<List<float[]>> serial = new ArrayList<>();
      requests.forEach(request -> serial.add(rig.run(request)));
      rig.bank.clear();
      List<ReuseRig.Passes> open = new ArrayList<>();
      try {
        requests.forEach(request -> open.add(rig.open(request)));
        for (int step = 0; step < 4; step++) {
          for (ReuseRig.Passes passes : step % 2 == 0 ? open : open.reversed()) {
            passes.step(step);
          }
        }
        for (int i = 0; i < open.size(); i++) {
          ReuseRig.assertBits(requests.get(i).toString(), serial.get(i), open.get(i).run());
        }
      } finally {
        open.forEach(ReuseRig.Passes::close);
      }
    }
  }

  @Test
  void offSavesNothingOnAnyModel() throws IOException {
    var request = ReuseRig.Request.of(1, 2, KvPolicy.off(), TARGET, FIRST, SECOND).withGuidance();
    for (var config :
        List.of(RandomTransformer.config(3, true, false), RandomTransformer.causal(3))) {
      try (ReuseRig rig = new ReuseRig(temporary, config, 1)) {
        CacheStats off = rig.stats(request);
        assertThat(off.flop()).isEqualTo(off.flopOff());
        assertThat(off.saved()).isZero();
        CacheStats exact = rig.stats(request.with(KvPolicy.exact()));
        assertThat(exact.flopOff()).isEqualTo(off.flopOff());
        assertThat(exact.saved()).isPositive();
      }
    }
  }

  @Test
  void whatARunDidIsCounted() throws IOException {
    double d = 24;
    double rows = TOKENS - ROWS;
    double whole = 24 * d * d * TOKENS + 4 * d * TOKENS * TOKENS; // F(N, N)
    double cached = 24 * d * d * rows + 4 * d * rows * TOKENS; // F(T + L, N)
    double tail = 20 * d * d * 20 + 4 * d * 20 * TOKENS; // of the last block: target rows
    try (ReuseRig rig = rig(true, 1)) {
      var request = ReuseRig.Request.of(1, 4, KvPolicy.off(), TARGET, FIRST, SECOND);
      CacheStats off = rig.stats(request);
      assertThat(off.flop()).isEqualTo(4 * 3 * whole).isEqualTo(off.flopOff());
      assertThat(off.saved()).isZero();
      assertThat(List.of(off.fullSteps(), off.cachedSteps(), off.partialSteps(), off.prefills()))
          .containsExactly(4, 0, 0, 0);
      assertThat(off.dtype()).isEmpty();

      CacheStats anchored = rig.stats(request.with(KvPolicy.anchored()));
      double first = 2 * whole + 4 * d * d * TOKENS + tail;
      double later = 2 * cached + 4 * d * d * rows + tail;
      assertThat(anchored.flop()).isEqualTo(first + 3 * later);
      assertThat(anchored.flopOff()).isEqualTo(off.flop());
      assertThat(anchored.saved()).isEqualTo(1 - anchored.flop() / off.flop());
      assertThat(anchored.fullSteps()).isEqualTo(1);
      assertThat(anchored.cachedSteps()).isEqualTo(3);
      assertThat(anchored.hits()).isEqualTo(3);
      assertThat(anchored.misses()).isZero();
      assertThat(anchored.missedFields()).isEmpty();
      assertThat(anchored.bytes()).isEqualTo(3 * 2 * ROWS * 24 * 4);
      assertThat(anchored.bytesRead()).isEqualTo(3 * anchored.bytes());
      assertThat(anchored.rowsComputed() + anchored.rowsReused()).isEqualTo(4 * 3 * TOKENS);
      assertThat(anchored.drift()).isEmpty();
      assertThat(anchored.approximate()).isTrue();

      CacheStats rolling =
          rig.stats(request.with(new KvPolicy.Rolling(3, 1)).with(KvDtype.INT8).withGuidance());
      assertThat(rolling.fullSteps()).isEqualTo(2);
      assertThat(rolling.partialSteps()).isEqualTo(6);
      assertThat(rolling.dtype()).isEqualTo("int8");
      assertThat(rolling.bytes()).isEqualTo(2 * 3 * 2 * ROWS * (24 + 2 * 4));
      assertThat(rolling.bytesRead()).isEqualTo(3 * rolling.bytes());
      assertThat(rolling.drift()).hasSize(6).allMatch(drift -> drift > 0 && drift < 2);

      CacheStats refreshed =
          rig.stats(request.with(new KvPolicy.Anchored(1, 2, 0, KvPolicy.LAST_LAYER)));
      assertThat(refreshed.fullSteps()).isEqualTo(2);
      assertThat(refreshed.drift()).hasSize(1);
    }
  }

  /** In what the keys of two requests differ. */
  private static List<String> differences(
      ReuseRig rig, ReuseRig.Request one, ReuseRig other, ReuseRig.Request two) {
    try (ReuseRig.Passes a = rig.open(one);
        ReuseRig.Passes b = other.open(two)) {
      return a.reuse.key(0).differences(b.reuse.key(0));
    }
  }

  @Test
  void theKeyOfARunNamesAllThatItsCachesHangOn() throws IOException {
    var request = ReuseRig.Request.of(1, 2, KvPolicy.anchored(), TARGET, FIRST, FIRST);
    try (ReuseRig rig = rig(true, 1);
        ReuseRig atTimestep = rig(false, 1);
        ReuseRig masked = new ReuseRig(temporary, RandomTransformer.causal(3), 1)) {
      assertThat(differences(rig, request, rig, request)).isEmpty();
      assertThat(differences(rig, request, rig, request.with(KvDtype.BF16)))
          .containsExactly("dtype");
      assertThat(differences(rig, request, rig, request.with(new KvPolicy.Rolling(3, 1))))
          .containsExactly("policy");
      var other = ReuseRig.Request.of(2, 2, KvPolicy.anchored(), TARGET, FIRST, FIRST);
      assertThat(differences(rig, request, rig, other)).containsExactly("references", "text");
      assertThat(differences(rig, request, atTimestep, request)).containsExactly("zeroCondT");
      assertThat(differences(rig, request, masked, request)).containsExactly("mask");
      var turned =
          ReuseRig.Request.of(1, 2, KvPolicy.anchored(), new LatentGrid(5, 4), FIRST, FIRST);
      assertThat(differences(rig, request, rig, turned))
          .containsExactly("targetHeight", "targetWidth");
      try (ReuseRig.Passes passes = rig.open(request.withGuidance())) {
        KvKey key = passes.reuse.key(0);
        assertThat(key.differences(passes.reuse.key(1)))
            .containsExactly("branch", "textTokens", "text");
        assertThat(key.weights()).isEqualTo("weights");
        assertThat(key.references()).hasSize(2);
        ReferenceKey first = key.references().get(0);
        ReferenceKey second = key.references().get(1);
        assertThat(first.index()).isZero();
        assertThat(second.index()).isEqualTo(1);
        assertThat(first.digest()).isNotEqualTo(second.digest()); // each of its own rows
        assertThat(List.of(first.height(), first.width())).containsExactly(3, 3);
      }
      try (ReuseRig.Passes passes = rig.open(request.with(KvPolicy.exact()))) {
        assertThat(passes.reuse.key(0)).isNull();
      }
    }
  }

  @Test
  void theBankKeepsWhatWasUsedLastWithinItsBound() throws IOException {
    KvLayout layout = new KvLayout(0, 2, 4, 2, 12, KvDtype.F32, false);
    try (ReuseRig rig = rig(true, 1);
        ReferenceBank bank = new ReferenceBank(2 * layout.bytes())) {
      ReferenceKey cat = new ReferenceKey("cat", 2, 2, 0);
      ReferenceKvCache first = fill(bank.get(rig.model.compute, "weights", "", cat, layout));
      fill(bank.get(rig.model.compute, "weights", "", new ReferenceKey("dog", 2, 2, 0), layout));
      bank.settle();
      assertThat(bank.bytes()).isEqualTo(2 * layout.bytes());
      assertThat(bank.get(rig.model.compute, "weights", "", cat, layout)).isSameAs(first);

      List<ReferenceKvCache> others = new ArrayList<>();
      others.add(bank.get(rig.model.compute, "other", "", cat, layout));
      others.add(
          bank.get(rig.model.compute, "weights", "", new ReferenceKey("cat", 2, 2, 1), layout));
      others.add(
          bank.get(rig.model.compute, "weights", "", new ReferenceKey("cat", 1, 4, 0), layout));
      others.add(bank.get(rig.model.compute, "weights", "", cat, layout.with(KvDtype.BF16)));
      assertThat(others).doesNotContain(first).doesNotHaveDuplicates();
      bank.settle(); // nobody has filled them
      assertThat(bank.bytes()).isEqualTo(2 * layout.bytes());

      bank.get(rig.model.compute, "weights", "", cat, layout);
      fill(bank.get(rig.model.compute, "weights", "", new ReferenceKey("cow", 2, 2, 0), layout));
      bank.settle(); // the dog goes
      assertThat(bank.bytes()).isEqualTo(2 * layout.bytes());
      assertThat(bank.get(rig.model.compute, "weights", "", cat, layout)).isSameAs(first);
      bank.get(rig.model.compute, "weights", "", new ReferenceKey("dog", 2, 2, 0), layout);
      assertThat(bank.bytes()).isEqualTo(3 * layout.bytes());
      bank.clear();
      assertThat(bank.bytes()).isZero();
    }
  }

  private static ReferenceKvCache fill(ReferenceKvCache cache) {
    cache.beginWrite();
    cache.endWrite();
    return cache;
  }
}
