package inkstone.model.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import inkstone.loader.CheckpointException;
import inkstone.loader.Golden;
import inkstone.model.image.Image;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is kept on disk never changes a picture, whatever happens to it. */
final class PromptCacheTest {
  private static final CancelToken GO = new CancelToken();
  private static Image picture;
  private static Image truth;

  @TempDir Path folder;

  @BeforeAll
  static void truth() throws CheckpointException {
    byte[] rgb = new byte[3 * 96 * 64];
    new Random(5).nextBytes(rgb);
    picture = new Image(96, 64, rgb);
    truth = run(PromptCache.OFF).image();
  }

  private static EditRequest request(String prompt) {
    return EditRequest.of(prompt, List.of(picture), Sampling.of(1, 3))
        .withSize(new OutputSize.Exact(64, 64));
  }

  /** A new engine each time, which remembers nothing itself. */
  private static Result run(PromptCache cache) throws CheckpointException {
    return run(cache, "Make it blue.");
  }

  private static Result run(PromptCache cache, String prompt) throws CheckpointException {
    EngineOptions options = new EngineOptions(1, 0).withPromptCache(cache);
    try (Inkstone engine = Inkstone.open(Golden.tinyModel(), options)) {
      return engine.edit(request(prompt), Listener.NONE, GO);
    }
  }

  private static int onDisk(Result result, CacheKind kind) {
    return result.reuse().get(kind).onDisk();
  }

  private List<Path> files() throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.sorted().toList();
    }
  }

  @Test
  void theSecondStartFindsWhatTheFirstKept() throws Exception {
    PromptCache cache = PromptCache.in(folder);
    Result first = run(cache);
    assertThat(first.image()).isEqualTo(truth);
    assertThat(onDisk(first, CacheKind.PROMPT_EMBEDS)).isZero();
    assertThat(files()).hasSize(2); // embeddings and features

    Result second = run(cache);
    assertThat(second.image()).isEqualTo(truth);
    assertThat(onDisk(second, CacheKind.PROMPT_EMBEDS)).isEqualTo(1);
    assertThat(second.warnings()).isEmpty();

    // Another prompt about the same picture needs the decoder, not the vision tower.
    Result other = run(cache, "Make it red.");
    assertThat(onDisk(other, CacheKind.PROMPT_EMBEDS)).isZero();
    assertThat(onDisk(other, CacheKind.VISION_FEATURES)).isEqualTo(1);
    assertThat(files()).hasSize(3);
  }

  @Test
  void damageIsFoundAndMended() throws Exception {
    PromptCache cache = PromptCache.in(folder);
    run(cache);
    List<byte[]> whole = new ArrayList<>();
    for (Path file : files()) {
      whole.add(Files.readAllBytes(file));
    }
    int length = whole.getFirst().length;
    for (int at : new int[] {0, 20, 80, 88, 96, 500, length - 33, length - 1}) {
      for (int i = 0; i < whole.size(); i++) {
        byte[] damaged = whole.get(i).clone();
        damaged[Math.min(at, damaged.length - 1)] ^= 4;
        Files.write(files().get(i), damaged);
      }
      requireMended(cache, whole, "byte " + at);
    }
    for (int size : new int[] {0, 10, 96, length / 2, length - 1}) {
      for (Path file : files()) {
        Files.write(file, Arrays.copyOf(Files.readAllBytes(file), size));
      }
      requireMended(cache, whole, "cut to " + size);
    }
    for (Path file : files()) {
      Files.write(file, new byte[] {1, 2, 3}, StandardOpenOption.APPEND);
    }
    requireMended(cache, whole, "too long");
  }

  private void requireMended(PromptCache cache, List<byte[]> whole, String damage)
      throws Exception {
    Result result = run(cache);
    assertThat(result.image()).as(damage).isEqualTo(truth);
    assertThat(onDisk(result, CacheKind.PROMPT_EMBEDS)).as(damage).isZero();
    assertThat(result.warnings()).as(damage).isEmpty();
    for (int i = 0; i < whole.size(); i++) {
      assertThat(Files.readAllBytes(files().get(i))).as(damage).isEqualTo(whole.get(i));
    }
  }

  @Test
  void aFileUnderTheNameOfAnotherIsAMiss() throws Exception {
    PromptCache cache = PromptCache.in(folder);
    run(cache);
    List<Path> files = files();
    byte[] first = Files.readAllBytes(files.get(0));
    Files.write(files.get(0), Files.readAllBytes(files.get(1)));
    Files.write(files.get(1), first);
    Result result = run(cache);
    assertThat(result.image()).isEqualTo(truth);
    assertThat(onDisk(result, CacheKind.PROMPT_EMBEDS)).isZero();
  }

  @Test
  void whatWasUsedLongestAgoGoesFirst() throws Exception {
    run(PromptCache.in(folder));
    long pair = 0;
    for (Path file : files()) {
      pair += Files.size(file);
      Files.setLastModifiedTime(file, FileTime.fromMillis(1_000_000));
    }
    PromptCache small = new PromptCache(folder, pair + 16, 0);
    assertThat(run(small, "Make it a good deal larger.").image()).isNotNull();
    long left = 0;
    for (Path file : files()) {
      left += Files.size(file);
    }
    assertThat(left).isLessThanOrEqualTo(pair + 16);
    assertThat(onDisk(run(small, "Make it a good deal larger."), CacheKind.PROMPT_EMBEDS))
        .isEqualTo(1);
  }

  @Test
  void leftoversOfKilledProcessesGo() throws Exception {
    Path old = Files.writeString(folder.resolve("new-1.tmp"), "half");
    Path fresh = Files.writeString(folder.resolve("new-2.tmp"), "half");
    Path foreign = Files.writeString(folder.resolve("notes.txt"), "mine");
    Files.setLastModifiedTime(old, FileTime.fromMillis(1_000_000));
    run(PromptCache.in(folder));
    assertThat(old).doesNotExist();
    assertThat(fresh).exists();
    assertThat(foreign).exists();
  }

  @Test
  void aFolderThatCannotBeMadeIsOneWarning() throws Exception {
    Path file = Files.writeString(folder.resolve("file"), "no folder");
    Result result = run(PromptCache.in(file.resolve("below")));
    assertThat(result.image()).isEqualTo(truth);
    assertThat(result.warnings()).hasSize(1).first().asString().contains("--prompt-cache off");
  }

  @Test
  void smallTextEncodersAreRun() throws Exception {
    run(new PromptCache(folder, 1 << 20, 1 << 30));
    assertThat(files()).isEmpty();
  }

  @Test
  void otherWeightsAreAnotherModel() throws Exception {
    Path model = TinyFolder.copy(folder.resolve("models"), true, "none");
    PromptCache cache = PromptCache.in(folder.resolve("cache"));
    EngineOptions options = new EngineOptions(1, 0).withPromptCache(cache);
    Path weights = model.resolve("text_encoder/model.safetensors");
    for (int expected : new int[] {0, 1, 0}) {
      try (Inkstone engine = Inkstone.open(model, options)) {
        Result result = engine.edit(request("Make it blue."), Listener.NONE, GO);
        assertThat(onDisk(result, CacheKind.PROMPT_EMBEDS)).isEqualTo(expected);
      }
      if (expected == 1) {
        byte[] bytes = Files.readAllBytes(weights);
        bytes[bytes.length - 1] ^= 1;
        FileTime time = Files.getLastModifiedTime(weights);
        Files.write(weights, bytes);
        Files.setLastModifiedTime(weights, time);
      }
    }
  }

  @Test
  void severalAtOnceAndSomebodyWhoDeletes() throws Exception {
    PromptCache cache = PromptCache.in(folder);
    List<Callable<Image>> runs = new ArrayList<>();
    for (int i = 0; i < 12; i++) {
      runs.add(() -> run(cache).image());
    }
    Thread deleter =
        Thread.ofPlatform()
            .start(() -> {
              while (!Thread.currentThread().isInterrupted()) {
                for (File file : folder.toFile().listFiles()) {
                  if (!file.delete()) {
                    Thread.onSpinWait(); // somebody else did
                  }
                }
              }
            });
    try (ExecutorService pool = Executors.newFixedThreadPool(3)) {
      for (Future<Image> image : pool.invokeAll(runs)) {
        assertThat(image.get()).isEqualTo(truth);
      }
    } finally {
      deleter.interrupt();
      deleter.join();
    }
  }
}
