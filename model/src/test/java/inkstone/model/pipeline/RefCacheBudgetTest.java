package inkstone.model.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import inkstone.loader.CheckpointException;
import inkstone.loader.config.TransformerConfig;
import inkstone.memory.TensorArena;
import inkstone.model.debug.Taps;
import inkstone.model.dit.LatentGrid;
import inkstone.model.kv.KvDtype;
import inkstone.model.kv.KvPolicy;
import inkstone.ops.Compute;
import inkstone.tensor.Tensor;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What becomes of a wish when memory is short, said before the run and kept in it. */
final class RefCacheBudgetTest {
  private static final List<LatentGrid> GRIDS =
      List.of(new LatentGrid(4, 4), new LatentGrid(3, 5), new LatentGrid(2, 2));
  private static final List<Integer> TEXTS = List.of(7, 9);
  private static final long PLENTY = 1L << 30;

  @TempDir private Path temporary;
  private Compute compute;
  private Components model;
  private ReferenceBank bank;
  private Denoiser denoiser;
  private Run run;

  @BeforeEach
  void open() throws IOException {
    compute = Compute.open(1);
    model = components(TinyFolder.copy(temporary, true, "self"));
    bank = new ReferenceBank(1 << 20);
    denoiser = new Denoiser(compute, model, bank);
    run = new Run(Listener.NONE, new CancelToken(), Taps.NONE);
  }

  @AfterEach
  void close() {
    run.close();
    bank.close();
    model.close();
    compute.close();
  }

  /** Of one branch, or of all references of a causal model. */
  private long storeBytes(KvDtype dtype) {
    return ReuseChoice.layout(denoiser.config(), KvPolicy.anchored(), dtype, GRIDS).bytes();
  }

  private ReuseChoice choose(RefCache wish, long spareBytes) {
    run.warnings.clear();
    return ReuseChoice.of(run.warnings, denoiser, wish, TEXTS, GRIDS, spareBytes);
  }

  private Components components(Path folder) throws CheckpointException {
    return new Components(
        compute,
        ModelFiles.folder(folder),
        new EngineOptions(1, 0),
        TensorArena.open("weights"),
        Long.MAX_VALUE);
  }

  @Test
  void whatIsAskedForFirstIsEnoughForEveryPolicy() {
    TransformerConfig config = denoiser.config();
    int last = config.numLayers() - 1;
    for (KvPolicy policy :
        List.of(
            KvPolicy.auto(),
            KvPolicy.off(),
            KvPolicy.exact(),
            KvPolicy.anchored(),
            new KvPolicy.Anchored(1, 3, 0, last - 1),
            new KvPolicy.Anchored(1, 3, last, last),
            new KvPolicy.Rolling(3, 1),
            new KvPolicy.Adaptive(0.1),
            new KvPolicy.Causal(true),
            new KvPolicy.Causal(false))) {
      for (KvDtype dtype : KvDtype.values()) {
        RefCache wish = RefCache.of(policy).withDtype(dtype);
        long wanted = ReuseChoice.wantedBytes(denoiser, wish, TEXTS, GRIDS);
        ReuseChoice choice = choose(wish, wanted);
        assertThat(run.warnings).as("%s", wish).isEmpty();
        assertThat(choice.dtype()).isEqualTo(dtype);
        assertThat(choice.policy().keepsKeys())
            .isEqualTo(policy.keepsKeys() || policy instanceof KvPolicy.Auto);
        assertThat(choice.memo()).isEqualTo(!(policy instanceof KvPolicy.Off));
      }
    }
  }

  @Test
  void whatAutoChoseIsNeverNarrowed() {
    long store = storeBytes(KvDtype.F32);
    ReuseChoice fits = choose(RefCache.DEFAULT.withMaxBytes(store), PLENTY);
    assertThat(fits.policy()).isEqualTo(new KvPolicy.Causal(true));
    assertThat(fits.dtype()).isEqualTo(KvDtype.F32);
    assertThat(fits.approximate()).isFalse();
    assertThat(run.warnings).isEmpty();
    ReuseChoice lacks = choose(RefCache.DEFAULT.withMaxBytes(store - 1), PLENTY);
    assertThat(lacks.policy()).isEqualTo(KvPolicy.exact());
    assertThat(lacks.approximate()).isFalse();
    assertThat(run.warnings)
        .singleElement()
        .asString()
        .contains("causal needs", "as f32", "computing everything");
  }

  @Test
  void aNarrowStoreIsApproximateUnderEveryPolicyThatKeepsKeys() {
    for (KvDtype dtype : KvDtype.values()) {
      boolean narrow = dtype != KvDtype.F32;
      assertThat(approximate(new KvPolicy.Causal(true), dtype)).isEqualTo(narrow);
      assertThat(approximate(KvPolicy.anchored(), dtype)).isTrue();
      assertThat(approximate(new KvPolicy.Rolling(1, 1), dtype)).isFalse();
      assertThat(approximate(KvPolicy.exact(), dtype)).isFalse();
      assertThat(approximate(KvPolicy.off(), dtype)).isFalse();
    }
  }

  private boolean approximate(KvPolicy policy, KvDtype dtype) {
    return choose(RefCache.of(policy).withDtype(dtype), PLENTY).approximate();
  }

  @Test
  void aMemoThatDoesNotFitIsSaid() {
    long memo = denoiser.memoBytes(TEXTS, GRIDS);
    assertThat(choose(RefCache.of(KvPolicy.exact()), memo))
        .isEqualTo(new ReuseChoice(KvPolicy.exact(), KvDtype.F32, true, memo));
    assertThat(run.warnings).isEmpty();
    for (long spare : new long[] {memo - 1, 0, -5}) {
      assertThat(choose(RefCache.of(KvPolicy.exact()), spare))
          .isEqualTo(new ReuseChoice(KvPolicy.off(), KvDtype.F32, false, 0));
      assertThat(run.warnings).singleElement().asString().contains("what never changes needs");
      assertThat(choose(RefCache.of(KvPolicy.off()), spare).memo()).isFalse();
      assertThat(run.warnings).isEmpty();
    }
  }

  private void assertFalls(KvPolicy policy, KvDtype wish, long maxBytes, KvDtype to) {
    ReuseChoice choice = choose(RefCache.of(policy).withDtype(wish).withMaxBytes(maxBytes), PLENTY);
    if (to == null) {
      assertThat(choice.policy()).isEqualTo(KvPolicy.exact());
      assertThat(choice.approximate()).isFalse();
      assertThat(choice.bytes()).isEqualTo(denoiser.memoBytes(TEXTS, GRIDS));
      assertThat(run.warnings)
          .singleElement()
          .asString()
          .startsWith("ref cache: " + policy.word() + " needs ")
          .contains("as int8")
          .endsWith("computing everything");
      return;
    }
    assertThat(choice.policy()).isEqualTo(policy);
    assertThat(choice.dtype()).isEqualTo(to);
    assertThat(choice.bytes() - denoiser.memoBytes(TEXTS, GRIDS)).isLessThanOrEqualTo(maxBytes);
    if (to == wish) {
      assertThat(run.warnings).isEmpty();
    } else {
      assertThat(run.warnings)
          .singleElement()
          .asString()
          .startsWith(
              "ref cache: kept as "
                  + to.name().toLowerCase(Locale.ROOT)
                  + " in place of "
                  + wish.name().toLowerCase(Locale.ROOT)
                  + " to stay within ");
    }
  }

  @Test
  void theStoreFallsTypeByTypeThenToComputingEverything() {
    for (KvPolicy policy :
        List.of(
            KvPolicy.anchored(),
            new KvPolicy.Rolling(3, 1),
            new KvPolicy.Adaptive(0.1),
            new KvPolicy.Causal(true),
            new KvPolicy.Causal(false))) {
      int stores = policy instanceof KvPolicy.Causal ? 1 : 2; // branches have their own, or share
      long f32 = stores * storeBytes(KvDtype.F32);
      long bf16 = stores * storeBytes(KvDtype.BF16);
      long int8 = stores * storeBytes(KvDtype.INT8);
      assertThat(f32).isGreaterThan(bf16);
      assertThat(bf16).isGreaterThan(int8);
      assertFalls(policy, KvDtype.F32, f32, KvDtype.F32);
      assertFalls(policy, KvDtype.F32, f32 - 1, KvDtype.BF16);
      assertFalls(policy, KvDtype.F32, bf16, KvDtype.BF16);
      assertFalls(policy, KvDtype.F32, bf16 - 1, KvDtype.INT8);
      assertFalls(policy, KvDtype.F16, bf16 - 1, KvDtype.INT8);
      assertFalls(policy, KvDtype.BF16, bf16, KvDtype.BF16);
      assertFalls(policy, KvDtype.F32, int8, KvDtype.INT8);
      assertFalls(policy, KvDtype.INT8, int8, KvDtype.INT8);
      assertFalls(policy, KvDtype.F32, int8 - 1, null);
      assertFalls(policy, KvDtype.INT8, 1, null);
    }
  }

  @Test
  void whatTheMachineCanSpareBindsLikeABound() {
    long memo = denoiser.memoBytes(TEXTS, GRIDS);
    long bf16 = 2 * storeBytes(KvDtype.BF16);
    RefCache wish = RefCache.of(KvPolicy.anchored());
    assertThat(choose(wish, memo + bf16).dtype()).isEqualTo(KvDtype.BF16);
    assertThat(choose(wish, memo + bf16 - 1).dtype()).isEqualTo(KvDtype.INT8);
    // The smaller of the two binds.
    assertThat(choose(wish.withMaxBytes(bf16 - 1), PLENTY).dtype()).isEqualTo(KvDtype.INT8);
    assertThat(choose(wish.withMaxBytes(PLENTY), memo + bf16).dtype()).isEqualTo(KvDtype.BF16);
    for (long spare : new long[] {0, -1, Long.MIN_VALUE / 2}) {
      assertThat(choose(wish, spare).policy()).isEqualTo(KvPolicy.off());
      assertThat(run.warnings).hasSize(2);
    }
  }

  @Test
  void theBytesOfAChoiceAreThoseThatItsPassesTake() {
    TransformerConfig config = denoiser.config();
    for (RefCache wish :
        List.of(
            RefCache.of(KvPolicy.off()),
            RefCache.of(KvPolicy.exact()),
            RefCache.of(KvPolicy.anchored()),
            RefCache.of(KvPolicy.anchored()).withDtype(KvDtype.INT8),
            RefCache.of(new KvPolicy.Anchored(1, 3, 0, 0)).withDtype(KvDtype.F16),
            RefCache.of(new KvPolicy.Rolling(3, 1)).withDtype(KvDtype.BF16),
            RefCache.of(new KvPolicy.Adaptive(0.2)),
            RefCache.of(new KvPolicy.Causal(false)),
            RefCache.of(new KvPolicy.Causal(true)).withDtype(KvDtype.INT8))) {
      ReuseChoice choice = choose(wish, PLENTY);
      try (TensorArena arena = TensorArena.open("passes")) {
        Tensor tokens = denoiser.imageTokens(arena, GRIDS);
        List<Tensor> prompts =
            TEXTS.stream()
                .map(n -> Tensor.f32(arena, "prompt", n, config.jointAttentionDim()))
                .toList();
        long before = arena.allocatedBytes() + bank.bytes();
        ReferenceReuse passes =
            new ReferenceReuse(
                compute,
                model.transformer.acquire(),
                "weights",
                arena,
                choice,
                GRIDS,
                tokens,
                prompts,
                new float[] {1, 0.5f, 0},
                bank);
        long states = TEXTS.stream().mapToLong(n -> denoiser.stateBytes(n, GRIDS)).sum();
        assertThat(arena.allocatedBytes() + bank.bytes() - before)
            .as("%s", wish)
            .isEqualTo(states + choice.bytes());
        long kept = choice.bytes() - (choice.memo() ? denoiser.memoBytes(TEXTS, GRIDS) : 0);
        assertThat(passes.stats().bytes()).isEqualTo(kept);
        passes.close();
        bank.clear();
        assertThat(arena.allocatedBytes() + bank.bytes()).isEqualTo(before);
      }
    }
  }

  @Test
  void causalIsRefusedUnlessTheModelDeclaresItsMask() throws IOException {
    Path other = temporary.resolve("other");
    for (boolean zeroCondT : new boolean[] {true, false}) {
      for (String mask : List.of("none", "self")) {
        if (zeroCondT && mask.equals("self")) {
          continue;
        }
        Path folder = TinyFolder.copy(other, zeroCondT, mask);
        try (Components plain = components(folder)) {
          Denoiser passes = new Denoiser(compute, plain, bank);
          RefCache wish = RefCache.of(new KvPolicy.Causal(true));
          assertThatThrownBy(() -> ReuseChoice.of(run.warnings, passes, wish, TEXTS, GRIDS, PLENTY))
              .isInstanceOf(UnfitModelException.class)
              .hasMessageContaining("reference_mask \"self\" and zero_cond_t")
              .hasMessageContaining("use exact");
          assertThat(
                  ReuseChoice.of(run.warnings, passes, RefCache.DEFAULT, TEXTS, GRIDS, PLENTY)
                      .policy())
              .isEqualTo(KvPolicy.exact());
        }
      }
    }
  }

  @Test
  void layersThatTheModelDoesNotHaveAreRefused() {
    int layers = denoiser.config().numLayers();
    RefCache wish = RefCache.of(new KvPolicy.Anchored(1, 2, layers, layers + 3));
    assertThatThrownBy(() -> choose(wish, PLENTY))
        .isInstanceOf(UnfitModelException.class)
        .hasMessageContaining("expected a first layer below " + layers);
    // A last layer beyond the end is the end.
    RefCache beyond = RefCache.of(new KvPolicy.Anchored(1, 2, layers - 1, layers + 3));
    assertThat(choose(beyond, PLENTY).policy()).isEqualTo(beyond.policy());
  }

  @Test
  void withoutReferencesNoPolicyKeepsAnything() {
    for (KvPolicy policy :
        List.of(
            KvPolicy.auto(),
            KvPolicy.anchored(),
            new KvPolicy.Rolling(3, 1),
            new KvPolicy.Adaptive(0.1),
            new KvPolicy.Causal(true))) {
      run.warnings.clear();
      ReuseChoice choice =
          ReuseChoice.of(
              run.warnings, denoiser, RefCache.of(policy), TEXTS, GRIDS.subList(0, 1), PLENTY);
      assertThat(choice.policy()).isEqualTo(KvPolicy.exact());
      assertThat(run.warnings).isEmpty();
    }
  }
}
