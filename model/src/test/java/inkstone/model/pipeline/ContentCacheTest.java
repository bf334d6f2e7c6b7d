package inkstone.model.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import inkstone.memory.TensorArena;
import inkstone.model.debug.Taps;
import inkstone.model.image.Size;
import inkstone.model.text.PromptTemplate;
import inkstone.model.vae.Tiling;
import inkstone.tensor.Tensor;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What is remembered, for how long, under which key. */
final class ContentCacheTest {
  private static final long ENTRY_BYTES = 4 * Float.BYTES;
  private static final ContentKey.Seen CAT = seen("cat");
  private static final ContentKey.Seen DOG = seen("dog");

  private final TensorArena values = TensorArena.open("values");
  private final Run run = run(Taps.NONE);

  @AfterEach
  void close() {
    run.close();
    values.close();
  }

  private static Run run(Taps taps) {
    return new Run(Listener.NONE, new CancelToken(), taps);
  }

  private static ContentKey.Seen seen(String digest) {
    return new ContentKey.Seen(digest, new Size(64, 48));
  }

  private Tensor value(float seed) {
    return Tensor.of(values, "value", new float[] {seed, -0f, 3 * seed, Float.MIN_VALUE}, 2, 2);
  }

  private void keep(ContentCache cache, String... digests) {
    for (String digest : digests) {
      cache.keep(ContentKey.features(seen(digest)), value(digest.hashCode()));
    }
  }

  private boolean has(ContentCache cache, String digest) {
    return has(cache, ContentKey.features(seen(digest)));
  }

  /** Looks with a run of its own; a value that is there counts as used. */
  private boolean has(ContentCache cache, ContentKey key) {
    try (Run looking = run(Taps.NONE)) {
      cache.reuse(
          looking,
          () -> key,
          () -> {
            throw new CancellationException("absent"); // so that nothing is kept
          });
      return true;
    } catch (CancellationException e) {
      return false;
    }
  }

  private ReuseStats stats(CacheKind kind) {
    return run.counters.stats().get(kind);
  }

  @Test
  void aHitHasTheBitsOfTheMiss() {
    try (ContentCache cache = new ContentCache(1 << 20)) {
      ContentKey key = ContentKey.features(CAT);
      Tensor computed = cache.reuse(run, () -> key, () -> value(7));
      Tensor found = cache.reuse(run, () -> key, () -> value(8));
      assertThat(found.shape()).isEqualTo(computed.shape());
      assertThat(found.segment().mismatch(computed.segment())).isEqualTo(-1);

      Tensor into = value(9);
      cache.reuse(run, () -> key, into, () -> into.copyFrom(value(8)));
      assertThat(into.segment().mismatch(computed.segment())).isEqualTo(-1);
      assertThat(stats(CacheKind.VISION_FEATURES))
          .isEqualTo(new ReuseStats(2, 1, List.of("empty")));
    }
  }

  @Test
  void whatARunDoesToItsCopyChangesNothingHere() {
    try (ContentCache cache = new ContentCache(1 << 20)) {
      ContentKey key = ContentKey.features(CAT);
      float[] expected = value(7).toFloatArray();
      cache.reuse(run, () -> key, () -> value(7)).setFloat(0, Float.NaN);
      cache.reuse(run, () -> key, () -> value(8)).setFloat(1, Float.NaN);
      assertThat(cache.reuse(run, () -> key, () -> value(8)).toFloatArray()).isEqualTo(expected);
    }
  }

  @Test
  void aCopyOutlivesItsEntry() {
    ContentCache cache = new ContentCache(1 << 20);
    ContentKey key = ContentKey.features(CAT);
    cache.keep(key, value(7));
    Tensor found = cache.reuse(run, () -> key, () -> value(8));
    cache.drop("cat");
    assertThat(cache.allocatedBytes()).isZero();
    keep(cache, "dog");
    cache.close();
    assertThat(cache.allocatedBytes()).isZero();
    assertThat(found.toFloatArray()).isEqualTo(value(7).toFloatArray());
  }

  @Test
  void holdsNoMoreThanItMayAndForgetsWhatWasUsedLongestAgo() {
    try (ContentCache cache = new ContentCache(3 * ENTRY_BYTES)) {
      keep(cache, "a", "b", "c");
      assertThat(has(cache, "a")).isTrue();
      keep(cache, "d");
      assertThat(cache.allocatedBytes()).isEqualTo(3 * ENTRY_BYTES);
      assertThat(has(cache, "b")).isFalse();
      keep(cache, "c"); // being computed again counts as use
      keep(cache, "e");
      assertThat(has(cache, "a")).isFalse();
      assertThat(has(cache, "c")).isTrue();
      assertThat(has(cache, "d")).isTrue();
      assertThat(has(cache, "e")).isTrue();
      assertThat(cache.allocatedBytes()).isEqualTo(3 * ENTRY_BYTES);
    }
  }

  @Test
  void aValueLargerThanTheBoundIsNotKeptAndPushesNothingOut() {
    try (ContentCache cache = new ContentCache(ENTRY_BYTES)) {
      keep(cache, "a");
      cache.keep(ContentKey.features(CAT), Tensor.f32(values, "large", 5));
      assertThat(has(cache, ContentKey.features(CAT))).isFalse();
      assertThat(has(cache, "a")).isTrue();
    }
  }

  @Test
  void theTextOfAPromptCounts() {
    try (ContentCache cache = new ContentCache(1000)) {
      cache.keep(ContentKey.embeds(PromptTemplate.EDIT_PLUS, "a".repeat(500), List.of()), value(1));
      assertThat(cache.allocatedBytes()).isZero();
      cache.keep(ContentKey.embeds(PromptTemplate.EDIT_PLUS, "a".repeat(400), List.of()), value(1));
      keep(cache, "a", "b", "c");
      assertThat(cache.allocatedBytes()).isEqualTo(4 * ENTRY_BYTES);
      for (int i = 0; i < 20; i++) {
        String prompt = i + "a".repeat(400);
        cache.keep(ContentKey.embeds(PromptTemplate.EDIT_PLUS, prompt, List.of()), value(i));
        assertThat(cache.allocatedBytes()).isLessThanOrEqualTo(4 * ENTRY_BYTES);
      }
    }
  }

  @Test
  void switchedOffItAsksForNoKeyAndCountsNothing() {
    try (ContentCache cache = new ContentCache(0)) {
      Tensor computed = value(7);
      Tensor got =
          cache.reuse(
              run,
              () -> {
                throw new AssertionError("digested in vain");
              },
              () -> computed);
      assertThat(got).isSameAs(computed);
      cache.reuse(
          run,
          () -> {
            throw new AssertionError("digested in vain");
          },
          computed,
          () -> computed.setFloat(0, 5));
      assertThat(computed.getFloat(0)).isEqualTo(5);
      assertThat(cache.allocatedBytes()).isZero();
      assertThat(run.counters.stats().values()).allMatch(s -> s.hits() == 0 && s.misses() == 0);
    }
  }

  @Test
  void aFailureLeavesNothing() {
    try (ContentCache cache = new ContentCache(1 << 20)) {
      ContentKey key = ContentKey.latents(CAT, Tiling.OFF);
      Tensor into = value(1);
      assertThatThrownBy(() ->
              cache.reuse(
                  run,
                  () -> key,
                  into,
                  () -> {
                    into.setFloat(0, Float.NaN); // half done
                    throw new CancellationException("stop");
                  }))
          .isInstanceOf(CancellationException.class);
      assertThat(cache.allocatedBytes()).isZero();
      cache.reuse(run, () -> key, into, () -> into.copyFrom(value(2)));
      assertThat(into.toFloatArray()).isEqualTo(value(2).toFloatArray());
      assertThat(stats(CacheKind.REFERENCE_LATENTS).missed()).containsExactly("empty", "empty");
    }
  }

  /** The remembered keys, of which one field at a time is changed. */
  private static ContentKey changed(CacheKind kind, String field) {
    ContentKey.Seen picture =
        switch (field) {
          case "pixels", "pictures" -> DOG;
          case "size" -> new ContentKey.Seen("cat", new Size(64, 64));
          default -> CAT;
        };
    return switch (kind) {
      case REFERENCE_LATENTS ->
          ContentKey.latents(picture, field.equals("tiling") ? Tiling.DEFAULT : Tiling.OFF);
      case VISION_FEATURES -> ContentKey.features(picture);
      case PROMPT_EMBEDS ->
          ContentKey.embeds(
              field.equals("template") ? PromptTemplate.EDIT_PLUS : PromptTemplate.EDIT,
              field.equals("prompt") ? "Make it red." : "Make it blue.",
              List.of(picture));
    };
  }

  @ParameterizedTest
  @CsvSource({
    "REFERENCE_LATENTS,pixels",
    "REFERENCE_LATENTS,size",
    "REFERENCE_LATENTS,tiling",
    "VISION_FEATURES,pixels",
    "VISION_FEATURES,size",
    "PROMPT_EMBEDS,template",
    "PROMPT_EMBEDS,prompt",
    "PROMPT_EMBEDS,pictures"
  })
  void aChangeOfOneFieldIsAMissThatNamesIt(CacheKind kind, String field) {
    try (ContentCache cache = new ContentCache(1 << 20)) {
      cache.keep(changed(kind, "none"), value(7));
      assertThat(has(cache, changed(kind, "none"))).isTrue();
      Tensor got = cache.reuse(run, () -> changed(kind, field), () -> value(8));
      assertThat(got.toFloatArray()).isEqualTo(value(8).toFloatArray());
      assertThat(stats(kind)).isEqualTo(new ReuseStats(0, 1, List.of(field)));
    }
  }

  @Test
  void theSizeOfAPictureOfAPromptCountsAsThePicture() {
    ContentKey.Seen larger = new ContentKey.Seen("cat", new Size(64, 64));
    ContentKey small = ContentKey.embeds(PromptTemplate.EDIT, "x", List.of(CAT));
    ContentKey large = ContentKey.embeds(PromptTemplate.EDIT, "x", List.of(larger));
    assertThat(small.differences(large)).containsExactly("pictures");
  }

  @Test
  void theOrderOfPicturesCounts() {
    try (ContentCache cache = new ContentCache(1 << 20)) {
      cache.keep(ContentKey.embeds(PromptTemplate.EDIT_PLUS, "x", List.of(CAT, DOG)), value(7));
      assertThat(has(cache, ContentKey.embeds(PromptTemplate.EDIT_PLUS, "x", List.of(DOG, CAT))))
          .isFalse();
      assertThat(has(cache, ContentKey.embeds(PromptTemplate.EDIT_PLUS, "x", List.of(CAT))))
          .isFalse();
      assertThat(has(cache, ContentKey.embeds(PromptTemplate.EDIT_PLUS, "x", List.of(CAT, DOG))))
          .isTrue();
    }
  }

  @Test
  void kindsNeverAnswerForEachOther() {
    try (ContentCache cache = new ContentCache(1 << 20)) {
      cache.keep(ContentKey.features(CAT), value(7));
      cache.reuse(run, () -> ContentKey.latents(CAT, Tiling.OFF), () -> value(8));
      assertThat(stats(CacheKind.REFERENCE_LATENTS))
          .isEqualTo(new ReuseStats(0, 1, List.of("empty")));
      assertThat(stats(CacheKind.VISION_FEATURES)).isEqualTo(new ReuseStats(0, 0, List.of()));
    }
  }

  @Test
  void theReasonIsThatOfTheNearestKey() {
    try (ContentCache cache = new ContentCache(1 << 20)) {
      cache.keep(ContentKey.latents(CAT, Tiling.OFF), value(1));
      cache.keep(ContentKey.latents(seen("fox"), Tiling.DEFAULT), value(2));
      ContentKey wanted = ContentKey.latents(CAT, Tiling.DEFAULT);
      // One field from either: the one used last is told
      cache.reuse(run, () -> wanted, () -> value(3));
      cache.drop("cat");
      // Two fields from the one that is left
      cache.reuse(run, () -> ContentKey.latents(CAT, Tiling.OFF), () -> value(4));
      // Two fields from one, one from the other
      cache.reuse(run, () -> ContentKey.latents(DOG, Tiling.DEFAULT), () -> value(5));
      assertThat(stats(CacheKind.REFERENCE_LATENTS).missed())
          .containsExactly("pixels", "pixels+tiling", "pixels");
    }
  }

  @Test
  void aRunWithTapsFindsNothingAndStillKeeps() {
    try (ContentCache cache = new ContentCache(1 << 20);
        Run tapped = run(new Taps() {})) {
      AtomicInteger computed = new AtomicInteger();
      for (int i = 0; i < 2; i++) {
        cache.reuse(
            tapped,
            () -> ContentKey.features(CAT),
            () -> {
              computed.incrementAndGet();
              return value(7);
            });
      }
      assertThat(computed).hasValue(2);
      assertThat(tapped.counters.stats().get(CacheKind.VISION_FEATURES))
          .isEqualTo(new ReuseStats(0, 2, List.of("tapped", "tapped")));
      assertThat(has(cache, ContentKey.features(CAT))).isTrue();
      assertThat(cache.allocatedBytes()).isEqualTo(ENTRY_BYTES);
    }
  }

  @Test
  void aPictureIsDroppedFromEveryKindAndNoOther() {
    try (ContentCache cache = new ContentCache(1 << 20)) {
      List<ContentKey> cats =
          List.of(
              ContentKey.features(CAT),
              ContentKey.latents(CAT, Tiling.OFF),
              ContentKey.latents(CAT, Tiling.DEFAULT),
              ContentKey.embeds(PromptTemplate.EDIT_PLUS, "x", List.of(DOG, CAT)));
      List<ContentKey> others =
          List.of(
              ContentKey.features(DOG),
              ContentKey.embeds(PromptTemplate.EDIT_PLUS, "cat", List.of(DOG)),
              ContentKey.embeds(PromptTemplate.TEXT_TO_IMAGE, "cat", List.of()));
      cats.forEach(key -> cache.keep(key, value(1)));
      others.forEach(key -> cache.keep(key, value(2)));
      cache.drop("cat");
      assertThat(cats).noneMatch(key -> has(cache, key));
      assertThat(others).allMatch(key -> has(cache, key));
      assertThat(cache.allocatedBytes()).isEqualTo(others.size() * ENTRY_BYTES);
    }
  }

  @Test
  void roomIsMadeFromTheOldestOn() {
    try (ContentCache cache = new ContentCache(1 << 20)) {
      keep(cache, "a", "b", "c", "d");
      cache.makeRoom(0);
      assertThat(cache.allocatedBytes()).isEqualTo(4 * ENTRY_BYTES);
      cache.makeRoom(ENTRY_BYTES + 1);
      assertThat(cache.allocatedBytes()).isEqualTo(2 * ENTRY_BYTES);
      assertThat(has(cache, "a") || has(cache, "b")).isFalse();
      cache.makeRoom(Long.MAX_VALUE);
      assertThat(cache.allocatedBytes()).isZero();
      keep(cache, "e");
      assertThat(has(cache, "e")).isTrue();
    }
  }

  @Test
  void picturesMayBeDroppedWhileARunReads() throws InterruptedException {
    try (ContentCache cache = new ContentCache(8 * ENTRY_BYTES)) {
      AtomicBoolean stop = new AtomicBoolean();
      AtomicReference<Throwable> failure = new AtomicReference<>();
      Thread dropping =
          new Thread(() -> {
            while (!stop.get()) {
              cache.drop("cat");
              cache.makeRoom(ENTRY_BYTES);
            }
          });
      dropping.setUncaughtExceptionHandler((thread, e) -> failure.set(e));
      dropping.start();
      float[] expected = value(7).toFloatArray();
      Tensor into = value(0);
      for (int i = 0; i < 2000; i++) {
        into.setFloat(0, i);
        cache.reuse(
            run, () -> ContentKey.latents(CAT, Tiling.OFF), into, () -> into.copyFrom(expected));
        assertThat(into.toFloatArray()).isEqualTo(expected);
      }
      stop.set(true);
      dropping.join();
      assertThat(failure).hasValue(null);
    }
  }
}
