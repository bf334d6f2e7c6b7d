package inkstone.model.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import inkstone.loader.CheckpointException;
import inkstone.memory.TensorArena;
import inkstone.model.debug.Taps;
import inkstone.model.dit.LatentGrid;
import inkstone.model.dit.RandomTransformer;
import inkstone.model.image.Image;
import inkstone.model.kv.KvDtype;
import inkstone.model.kv.KvPolicy;
import inkstone.tensor.Tensor;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Runs that end early, side by side or a thousand in a row leave nothing behind. */
final class RefCacheFailureTest {
  private static final LatentGrid TARGET = new LatentGrid(3, 4);
  private static final LatentGrid FIRST = new LatentGrid(2, 3);
  private static final LatentGrid SECOND = new LatentGrid(5, 3);
  private static final CancelToken GO = new CancelToken();

  private static final List<KvPolicy> POLICIES =
      List.of(
          KvPolicy.exact(),
          new KvPolicy.Anchored(1, 2, 0, 1),
          new KvPolicy.Rolling(3, 1),
          new KvPolicy.Adaptive(0.3),
          new KvPolicy.Causal(false),
          new KvPolicy.Causal(true));

  @TempDir private Path temporary;

  /** Fails at one of the places that a pass reports from. */
  private static final class Failing implements Taps {
    private final int at;
    private final boolean checkpoints;
    int seen;

    /**
     * @param checkpoints whether to count checkpoints, else the keys of each block, which are
     *     reported when the caches have just been written
     */
    Failing(int at, boolean checkpoints) {
      this.at = at;
      this.checkpoints = checkpoints;
    }

    @Override
    public void checkpoint() {
      if (checkpoints) {
        count();
      }
    }

    @Override
    public void tap(String key, Tensor value) {
      if (!checkpoints && key.endsWith(".attn.key")) {
        count();
      }
    }

    private void count() {
      if (seen++ == at) {
        throw new CancellationException("stopped by the test");
      }
    }
  }

  @Test
  void aFailureAtAnyBlockOfAnyStepLeavesTheNextRequestRightAndNoBytes() throws IOException {
    try (ReuseRig rig = new ReuseRig(temporary, RandomTransformer.causal(3), 1)) {
      long before = rig.bytes();
      for (KvPolicy policy : POLICIES) {
        var a = ReuseRig.Request.of(1, 3, policy, TARGET, FIRST, SECOND).withGuidance();
        var b = ReuseRig.Request.of(2, 3, policy, TARGET, FIRST, SECOND).withGuidance();
        List<float[]> expected = rig.run(b);
        if (!policy.lossy()) {
          ReuseRig.assertBits(policy.toString(), rig.run(b.with(KvPolicy.off())), expected);
        }
        for (boolean checkpoints : new boolean[] {true, false}) {
          Failing all = new Failing(-1, checkpoints);
          run(rig, a, all);
          assertThat(all.seen).isGreaterThanOrEqualTo(3 * 2 * 3); // steps, branches, blocks
          for (int at = 0; at < all.seen; at++) {
            rig.bank.clear();
            Failing failing = new Failing(at, checkpoints);
            assertThatThrownBy(() -> run(rig, a, failing))
                .isInstanceOf(CancellationException.class);
            ReuseRig.assertBits(policy + " after " + at, expected, rig.run(b));
          }
        }
        rig.bank.clear();
        assertThat(rig.bytes()).isEqualTo(before);
      }
    }
  }

  private static void run(ReuseRig rig, ReuseRig.Request request, Taps taps) {
    try (ReuseRig.Passes passes = rig.open(request)) {
      passes.taps = taps;
      passes.run();
    } finally {
      rig.bank.settle();
    }
  }

  @Test
  void aRequestCutShortInItsPrefillLeavesTheBankNothingHalf() throws IOException {
    try (ReuseRig rig = new ReuseRig(temporary, RandomTransformer.causal(3), 1)) {
      var request = ReuseRig.Request.of(1, 2, new KvPolicy.Causal(true), TARGET, FIRST, SECOND);
      List<float[]> off = rig.run(request.with(KvPolicy.off()));
      long[] tokens = {0, 6, 6 + 15};
      for (int at = 0; at <= 3 + 3; at++) {
        rig.bank.clear();
        Failing failing = new Failing(at, true);
        assertThatThrownBy(() -> run(rig, request, failing))
            .isInstanceOf(CancellationException.class);
        // Whole references stay, half ones go.
        assertThat(rig.bank.bytes()).isEqualTo(3 * 2 * tokens[at / 3] * 24 * 4);
        CacheStats next = rig.stats(request);
        assertThat(next.prefills()).isEqualTo(2 - at / 3);
        ReuseRig.assertBits("after " + at, off, rig.run(request));
      }
    }
  }

  @Test
  void aRunThatGetsNoMemoryFreesWhatItHad() throws IOException {
    try (ReuseRig rig = new ReuseRig(temporary, RandomTransformer.causal(3), 1)) {
      List<LatentGrid> grids = List.of(TARGET, FIRST);
      Tensor tokens = RandomTransformer.random(rig.model.arena, 1, "tokens", 12 + 6, 8);
      List<Tensor> prompts = new ArrayList<>();
      for (int length : new int[] {6, 9}) {
        prompts.add(RandomTransformer.random(rig.model.arena, 2, "prompt", length, 10));
      }
      for (KvPolicy policy : POLICIES) {
        ReuseChoice choice = new ReuseChoice(policy, KvDtype.F32, true, 0);
        long needed;
        try (TensorArena plenty = TensorArena.open("plenty")) {
          passes(rig, plenty, choice, grids, tokens, prompts);
          needed = plenty.allocatedBytes();
        }
        rig.bank.settle();
        for (long limit : new long[] {0, 100, needed / 4, needed / 2, needed - 1}) {
          try (TensorArena small = TensorArena.open("small", limit)) {
            assertThatThrownBy(() -> passes(rig, small, choice, grids, tokens, prompts))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("is limited to " + limit);
            assertThat(small.allocatedBytes()).isZero();
          }
          rig.bank.settle();
          assertThat(rig.bank.bytes()).isZero();
        }
      }
    }
  }

  private static void passes(
      ReuseRig rig,
      TensorArena arena,
      ReuseChoice choice,
      List<LatentGrid> grids,
      Tensor tokens,
      List<Tensor> prompts) {
    new ReferenceReuse(
        rig.model.compute,
        rig.model.transformer,
        "weights",
        arena,
        choice,
        grids,
        tokens,
        prompts,
        new float[] {1, 0},
        rig.bank);
  }

  private static Image picture(int width, int height, int factor) {
    byte[] rgb = new byte[3 * width * height];
    for (int i = 0; i < rgb.length; i++) {
      rgb[i] = (byte) (i * factor / width);
    }
    return new Image(width, height, rgb);
  }

  private static EditRequest edit(int seed, KvPolicy policy, KvDtype dtype) {
    return EditRequest.of(
            "Make it blue.",
            List.of(picture(48, 64, 31), picture(40, 30, 57)),
            Sampling.of(2, seed))
        .withNegativePrompt("ugly")
        .withCfgScale(3)
        .withSize(new OutputSize.Exact(48, 32))
        .withRefCache(RefCache.of(policy).withDtype(dtype));
  }

  private static Image run(Inkstone engine, EditRequest request) {
    return engine.edit(request, Listener.NONE, GO).image();
  }

  private Path causal() throws IOException {
    return TinyFolder.copy(temporary, true, "self");
  }

  @Test
  void aCancelAtAnyBlockOfAnEditLeavesTheEngineAsItWas() throws IOException {
    try (Inkstone engine = Inkstone.open(causal(), new EngineOptions(2))) {
      for (KvPolicy policy : POLICIES) {
        EditRequest request = edit(7, policy, KvDtype.F32);
        Image expected = run(engine, request);
        long before = engine.nativeBytes();
        Failing all = new Failing(-1, true);
        engine.edit(request, Listener.NONE, GO, all);
        for (int at = 0; at < all.seen; at += 5) {
          Failing failing = new Failing(at, true);
          assertThatThrownBy(() -> engine.edit(request, Listener.NONE, GO, failing))
              .isInstanceOf(CancellationException.class);
          assertThat(engine.nativeBytes()).as("%s at %d", policy, at).isEqualTo(before);
        }
        assertThat(run(engine, request)).isEqualTo(expected);
      }
    }
  }

  @Test
  void aListenerThatThrowsAtAStepLeavesTheNextEditRight() throws IOException {
    try (Inkstone engine = Inkstone.open(causal(), new EngineOptions(1))) {
      for (KvPolicy policy : POLICIES) {
        EditRequest request = edit(7, policy, KvDtype.INT8);
        Image expected = run(engine, request);
        long before = engine.nativeBytes();
        Listener throwing =
            new Listener() {
              @Override
              public void step(int step, int steps, double sigma, Preview preview) {
                throw new IllegalArgumentException("no more");
              }
            };
        assertThatThrownBy(() -> engine.edit(request, throwing, GO)).hasMessage("no more");
        assertThat(engine.nativeBytes()).isEqualTo(before);
        assertThat(run(engine, request)).isEqualTo(expected);
      }
    }
  }

  @Test
  void enginesInSeveralThreadsGiveTheSerialPicturesAndABusyOneRefuses()
      throws IOException, InterruptedException, ExecutionException {
    Path folder = causal();
    List<Image> expected = new ArrayList<>();
    try (Inkstone engine = Inkstone.open(folder, new EngineOptions(1))) {
      for (int i = 0; i < POLICIES.size(); i++) {
        expected.add(run(engine, edit(i, POLICIES.get(i), KvDtype.F32)));
      }
    }
    CountDownLatch busy = new CountDownLatch(1);
    CountDownLatch refused = new CountDownLatch(1);
    try (ExecutorService threads = Executors.newFixedThreadPool(3);
        Inkstone shared = Inkstone.open(folder, new EngineOptions(1))) {
      List<Future<List<Image>>> runs = new ArrayList<>();
      for (int thread = 0; thread < 3; thread++) {
        boolean backwards = thread == 1;
        runs.add(threads.submit(() -> allOf(folder, backwards)));
      }
      Listener waiting =
          new Listener() {
            @Override
            public void step(int step, int steps, double sigma, Preview preview) {
              busy.countDown();
              try {
                refused.await();
              } catch (InterruptedException e) {
                throw new IllegalStateException(e);
              }
            }
          };
      try (ExecutorService one = Executors.newSingleThreadExecutor()) {
        EditRequest slow = edit(1, POLICIES.get(1), KvDtype.F32);
        Future<Result> held = one.submit(() -> shared.edit(slow, waiting, GO));
        busy.await();
        try {
          assertThatThrownBy(() -> run(shared, edit(2, KvPolicy.exact(), KvDtype.F32)))
              .isInstanceOf(IllegalStateException.class)
              .hasMessageContaining("one at a time");
        } finally {
          refused.countDown();
        }
        assertThat(held.get().image()).isEqualTo(expected.get(1));
      }
      for (Future<List<Image>> images : runs) {
        assertThat(images.get()).isEqualTo(expected);
      }
    }
  }

  /** The pictures of all policies from an engine of its own, in the order of the policies. */
  private static List<Image> allOf(Path folder, boolean backwards) throws CheckpointException {
    List<Image> images = new ArrayList<>();
    try (Inkstone engine = Inkstone.open(folder, new EngineOptions(1))) {
      for (int i = 0; i < POLICIES.size(); i++) {
        int which = backwards ? POLICIES.size() - 1 - i : i;
        images.add(run(engine, edit(which, POLICIES.get(which), KvDtype.F32)));
      }
    }
    return backwards ? images.reversed() : images;
  }

  /** Requests of all policies and stores in turn. */
  private static ReuseRig.Request turn(int i) {
    return ReuseRig.Request.of(i % 12, 2, POLICIES.get(i % 6), TARGET, FIRST, SECOND)
        .with(List.of(KvDtype.F32, KvDtype.BF16, KvDtype.F16, KvDtype.INT8).get(i % 4));
  }

  @Test
  void aThousandRequestsInARowHoldNoMoreMemory() throws IOException {
    try (ReuseRig rig = new ReuseRig(temporary, RandomTransformer.causal(2), 1)) {
      long before = rig.bytes();
      List<List<float[]>> expected = new ArrayList<>();
      for (int i = 0; i < 12; i++) {
        expected.add(rig.run(turn(i)));
      }
      long scratch = rig.model.compute.scratchBytes();
      for (int i = 0; i < 1000; i++) {
        if (i % 5 == 4) {
          Failing failing = new Failing(i % 4, true);
          assertThatThrownBy(() -> run(rig, turn(failing.at + 12), failing))
              .isInstanceOf(CancellationException.class);
        } else {
          ReuseRig.assertBits("request " + i, expected.get(i % 12), rig.run(turn(i)));
        }
        assertThat(rig.bytes() - rig.bank.bytes()).isEqualTo(before);
        assertThat(rig.bank.bytes()).isLessThanOrEqualTo(1 << 20);
      }
      assertThat(rig.model.compute.scratchBytes()).isEqualTo(scratch);
      rig.bank.clear();
      assertThat(rig.bytes()).isEqualTo(before);
    }
  }
}
