package inkstone.model.pipeline;

import inkstone.memory.TensorArena;
import inkstone.tensor.Tensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.function.Supplier;
import java.util.stream.Stream;

/**
 * What a text encoder made of prompts and pictures, in files named by all that it depends on. Files
 * appear whole and are checked when they are read, so that several processes may share a folder,
 * and anybody may delete or damage what is in it: then it is computed anew.
 */
final class DiskCache {
  /** Keeps nothing. */
  static final DiskCache OFF = new DiskCache(PromptCache.OFF, () -> "", 0);

  private static final String SUFFIX = ".inkstone-cache";
  private static final String NEW = "new-";
  private static final String UNFINISHED = ".tmp";

  /** Nobody writes a file for so long. */
  private static final Duration ABANDONED = Duration.ofHours(1);

  private final PromptCache options;
  private final Supplier<String> model;
  private final long columns;
  private String modelDigest;
  private boolean warned;

  /**
   * @param model digest of weights and settings; asked once, when it is first needed
   * @param columns of every value
   */
  DiskCache(PromptCache options, Supplier<String> model, long columns) {
    this.options = options;
    this.model = model;
    this.columns = columns;
  }

  /**
   * The value of {@code key} in the run's memory, from its file or computed. A run with taps
   * computes it, since its taps are to see every layer work.
   */
  Tensor reuse(Run run, CacheKind kind, String key, Supplier<Tensor> compute) {
    if (options.folder() == null) {
      return compute.get();
    }
    String digest = Digests.of(modelDigest() + "\n" + kind + "\n" + key);
    Path file = options.folder().resolve(digest + SUFFIX);
    if (!run.tapped) {
      Tensor found = find(run, file, digest);
      if (found != null) {
        run.counters.found(kind);
        return found;
      }
    }
    Tensor computed = compute.get();
    keep(run, file, digest, computed);
    return computed;
  }

  private synchronized String modelDigest() {
    if (modelDigest == null) {
      modelDigest = model.get();
    }
    return modelDigest;
  }

  private Tensor find(Run run, Path file, String digest) {
    TensorArena own = run.arena.child("prompt cache");
    Tensor found = null;
    try {
      found = CacheFile.read(own, file, digest, columns);
      if (found == null) {
        Files.deleteIfExists(file); // damaged
      } else {
        Files.setLastModifiedTime(file, FileTime.from(Instant.now()));
      }
    } catch (NoSuchFileException e) {
      return found; // never kept, or deleted meanwhile
    } catch (IOException e) {
      warn(run, "can't read " + file, e);
    } finally {
      if (found == null) {
        own.close();
      }
    }
    return found;
  }

  private void keep(Run run, Path file, String digest, Tensor value) {
    if (CacheFile.bytes(value) > options.maxBytes()) {
      return;
    }
    Path unfinished = null;
    try {
      Files.createDirectories(options.folder());
      unfinished = Files.createTempFile(options.folder(), NEW, UNFINISHED);
      CacheFile.write(unfinished, digest, value);
      CacheFile.rename(unfinished, file);
      shrink(file);
    } catch (NoSuchFileException e) {
      delete(unfinished); // another process tidies up; the next value is kept
    } catch (IOException | SecurityException e) {
      warn(run, "can't write to " + options.folder(), e);
    } finally {
      delete(unfinished);
    }
  }

  /** A finished file. */
  private record Entry(Path path, long bytes, FileTime used) {}

  /** Deletes what was used longest ago, and what others left unfinished. */
  private void shrink(Path newest) throws IOException {
    List<Entry> entries = entries();
    entries.sort(Comparator.comparing(Entry::used));
    long total = entries.stream().mapToLong(Entry::bytes).sum();
    for (Entry entry : entries) {
      if (total > options.maxBytes() && !entry.path.equals(newest)) {
        delete(entry.path);
        total -= entry.bytes;
      }
    }
  }

  private List<Entry> entries() throws IOException {
    List<Path> files;
    try (Stream<Path> all = Files.list(options.folder())) {
      files = all.toList();
    }
    List<Entry> entries = new ArrayList<>();
    for (Path path : files) {
      String name = path.getFileName().toString();
      boolean unfinished = name.startsWith(NEW) && name.endsWith(UNFINISHED);
      if (!unfinished && !name.endsWith(SUFFIX) || !Files.exists(path)) {
        continue; // not of this cache, or deleted by another process
      }
      FileTime used = Files.getLastModifiedTime(path);
      if (!unfinished) {
        entries.add(new Entry(path, Files.size(path), used));
      } else if (used.toInstant().isBefore(Instant.now().minus(ABANDONED))) {
        delete(path);
      }
    }
    return entries;
  }

  private static void delete(Path file) {
    try {
      if (file != null) {
        Files.deleteIfExists(file);
      }
    } catch (IOException e) {
      return; // what can't be deleted does no harm
    }
  }

  private synchronized void warn(Run run, String what, Exception e) {
    if (!warned) {
      warned = true;
      run.warnings.add(
          "prompt cache: "
              + what
              + " ("
              + e.getClass().getSimpleName()
              + "); going on without, --prompt-cache off says nothing");
    }
  }
}
