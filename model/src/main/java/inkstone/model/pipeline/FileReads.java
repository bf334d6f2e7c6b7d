package inkstone.model.pipeline;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.stream.IntStream;

/**
 * How long a part's weights take from disk to memory.
 *
 * @param bytes of the part
 * @param missing share that is not in memory now, 0 to 1
 * @param bytesPerSecond of pages that were not there; 0 when all were
 */
record FileReads(long bytes, double missing, double bytesPerSecond) {
  static final FileReads NONE = new FileReads(0, 0, 0);

  private static final int SAMPLES = 64;
  private static final long SAMPLE_BYTES = 1 << 20;
  private static final long READ_BYTES = 4L << 30;
  private static final long CHUNK_BYTES = 64L << 20;
  private static final double READ_SECONDS = 3;
  private static final int CHUNK_SAMPLES = 8;
  private static final int PAGE_BYTES = 4096;

  /**
   * Looks at samples of the part's files, and reads some of what is not in memory through a
   * mapping, as kernels do.
   */
  static FileReads measure(PlanPart part, int threads) {
    int looked = 0;
    int absent = 0;
    double rate = 0;
    for (Path file : part.files()) {
      try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ);
          Arena arena = Arena.ofShared()) {
        MemorySegment all = channel.map(FileChannel.MapMode.READ_ONLY, 0, Files.size(file), arena);
        long step = Math.max(SAMPLE_BYTES, all.byteSize() / SAMPLES);
        long from = -1;
        for (long at = 0; at < all.byteSize(); at += step) {
          long length = Math.min(SAMPLE_BYTES, all.byteSize() - at);
          boolean there = all.asSlice(at, length).isLoaded();
          looked++;
          absent += there ? 0 : 1;
          from = !there && from < 0 ? at : from;
        }
        if (rate == 0 && from >= 0) {
          rate = touch(all.asSlice(from, Math.min(READ_BYTES, all.byteSize() - from)), threads);
        }
      } catch (IOException e) {
        return new FileReads(part.bytes(), 0, 0);
      }
    }
    return new FileReads(part.bytes(), looked == 0 ? 0 : (double) absent / looked, rate);
  }

  /**
   * Bytes a second of reading a byte a page of what is not there, on some threads, chunk by chunk
   * for at most some seconds; 0 when everything is there. A gigabyte is too little: while the
   * system starts to look for memory to reuse it reads at a quarter of its later rate.
   */
  private static double touch(MemorySegment pages, int threads) {
    long start = System.nanoTime();
    long bytes = 0;
    long nanos = 0;
    for (long at = 0;
        at < pages.byteSize() && System.nanoTime() - start < READ_SECONDS * 1e9;
        at += CHUNK_BYTES) {
      MemorySegment chunk = pages.asSlice(at, Math.min(CHUNK_BYTES, pages.byteSize() - at));
      if (absent(chunk)) {
        long before = System.nanoTime();
        touchOnce(chunk, threads);
        nanos += System.nanoTime() - before;
        bytes += chunk.byteSize();
      }
    }
    return bytes == 0 ? 0 : bytes / (Math.max(1, nanos) / 1e9);
  }

  /** Whether none of some pages of a chunk is in memory. */
  private static boolean absent(MemorySegment chunk) {
    for (int i = 0; i < CHUNK_SAMPLES; i++) {
      long at = chunk.byteSize() / CHUNK_SAMPLES * i;
      if (chunk.asSlice(at, 1).isLoaded()) {
        return false;
      }
    }
    return true;
  }

  /** Reads a byte a page; the bits say nothing, but must be used. */
  private static int touchOnce(MemorySegment pages, int threads) {
    long share = (pages.byteSize() + threads - 1) / threads;
    return IntStream.range(0, threads)
        .parallel()
        .map(thread -> {
          int bits = 0;
          long end = Math.min(pages.byteSize(), (thread + 1) * share);
          for (long at = thread * share; at < end; at += PAGE_BYTES) {
            bits |= pages.get(ValueLayout.JAVA_BYTE, at);
          }
          return bits;
        })
        .reduce(0, (x, y) -> x | y);
  }

  /** Seconds to read what is not in memory now. */
  double seconds() {
    return bytesPerSecond == 0 ? 0 : missing * bytes / bytesPerSecond;
  }

  /** Seconds to read all of it, when it does not stay in memory. */
  double wholeSeconds() {
    return bytesPerSecond == 0 ? 0 : bytes / bytesPerSecond;
  }
}
