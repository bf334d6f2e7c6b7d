package inkstone.model.pipeline;

import java.nio.file.InvalidPathException;
import java.nio.file.Path;

/**
 * Where prompt embeddings and vision features are kept on disk from one start of the program to the
 * next, so that the text encoder need not run for the same prompt and pictures. It never changes a
 * picture and never fails a run, and the folder may be deleted at any time.
 *
 * @param folder made when it is first needed; null keeps nothing
 * @param maxBytes most bytes of all files; what was used longest ago goes first
 * @param minWeightBytes text encoders with fewer bytes of weights are run instead
 */
public record PromptCache(Path folder, long maxBytes, long minWeightBytes) {
  /** Keeps nothing. */
  public static final PromptCache OFF = new PromptCache(null, 0, 0);

  /** 1 GiB: some hundred prompts with a picture each, of the published models. */
  public static final long DEFAULT_MAX_BYTES = 1L << 30;

  /** A text encoder of less than 1 GB runs in no time. */
  private static final long WORTH_BYTES = 1_000_000_000;

  public PromptCache {
    if (folder != null && maxBytes < 1) {
      throw new IllegalArgumentException(
          "prompt cache: max bytes, expected 1 or more, got " + maxBytes + "; OFF keeps nothing");
    }
  }

  /** In a folder of one's own, whatever the size of the text encoder. */
  public static PromptCache in(Path folder) {
    return new PromptCache(folder, DEFAULT_MAX_BYTES, 0);
  }

  /**
   * In the user's cache folder, {@code $XDG_CACHE_HOME/inkstone} or {@code ~/.cache/inkstone}, for
   * large text encoders; {@link #OFF} where there is no such folder.
   */
  public static PromptCache ofUser() {
    String caches = System.getenv("XDG_CACHE_HOME");
    String home = System.getProperty("user.home");
    try {
      Path folder =
          caches != null && Path.of(caches).isAbsolute()
              ? Path.of(caches)
              : home == null || !Path.of(home).isAbsolute() ? null : Path.of(home, ".cache");
      return folder == null
          ? OFF
          : new PromptCache(folder.resolve("inkstone"), DEFAULT_MAX_BYTES, WORTH_BYTES);
    } catch (InvalidPathException e) {
      return OFF;
    }
  }
}
