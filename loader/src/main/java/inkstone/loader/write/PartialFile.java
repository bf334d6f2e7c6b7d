package inkstone.loader.write;

import inkstone.loader.CheckpointException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.channels.WritableByteChannel;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.UnaryOperator;

/**
 * A large file that is written as {@code <name>.partial} beside its place and renamed at the end. A
 * partial file goes away on failure, on cancel and when the process is told to end; what was at the
 * target before stays until the new file is whole and on the disk.
 */
public final class PartialFile implements AutoCloseable {
  /** The longest piece of memory that one buffer covers. */
  private static final long PIECE = 1 << 30;

  private static final String SUFFIX = ".partial";

  private final Path target;
  private final Path part;
  private final boolean replace;
  private final FileChannel channel;
  private final WritableByteChannel sink;
  private long position;
  private boolean done;

  private PartialFile(
      Path target, boolean replace, FileChannel channel, UnaryOperator<WritableByteChannel> sink) {
    this.target = target;
    this.part = part(target);
    this.replace = replace;
    this.channel = channel;
    this.sink = sink.apply(channel);
  }

  /** Unfinished files, removed when the process ends in the middle. */
  private static final class Unfinished {
    private static final Set<Path> FILES = ConcurrentHashMap.newKeySet();

    static {
      Runtime.getRuntime().addShutdownHook(new Thread(Unfinished::removeAll, "partial-files"));
    }

    private Unfinished() {}

    static void removeAll() {
      FILES.forEach(PartialFile::deleteQuietly);
    }
  }

  /**
   * Begins a file.
   *
   * @param bytes its length, which the disk must have free
   * @param replace whether an existing file may be replaced
   */
  static PartialFile open(Path file, long bytes, boolean replace) throws OutputException {
    return open(file, bytes, replace, UnaryOperator.identity());
  }

  /** Writes a small file whole. */
  public static void write(Path file, byte[] bytes, boolean replace) throws OutputException {
    try (PartialFile part = open(file, bytes.length, replace)) {
      part.write(MemorySegment.ofArray(bytes));
      part.commit();
    }
  }

  /**
   * As {@link #open(Path, long, boolean)}.
   *
   * @param sink gives what takes the bytes, for tests of failing disks
   */
  static PartialFile open(
      Path file, long bytes, boolean replace, UnaryOperator<WritableByteChannel> sink)
      throws OutputException {
    Path target = check(file, replace);
    Path part = part(target);
    requireSpace(target, bytes);
    boolean ours = false;
    FileChannel channel = null;
    try {
      channel =
          FileChannel.open(
              part, StandardOpenOption.CREATE, StandardOpenOption.WRITE, LinkOption.NOFOLLOW_LINKS);
      // Emptied only once it is ours: another process may be writing it.
      ours = channel.tryLock() != null;
      if (!ours) {
        channel.close();
        throw OutputException.refused(
            "output: another process writes " + CheckpointException.quote(part),
            "wait for it, or give another name");
      }
      channel.truncate(0);
      Unfinished.FILES.add(part);
      return new PartialFile(target, replace, channel, sink);
    } catch (OverlappingFileLockException e) {
      closeQuietly(channel);
      throw OutputException.failed(
          "output: this process already writes " + CheckpointException.quote(part),
          "give another name",
          e);
    } catch (OutputException e) {
      throw e;
    } catch (IOException e) {
      closeQuietly(channel);
      if (ours) {
        deleteQuietly(part);
      }
      throw failure("the folder takes no files", target, e);
    }
  }

  /**
   * The place of a file to be, links followed, after the checks that need no writing.
   *
   * @throws OutputException when it is no name of a file, its folder is missing, or something is
   *     there that may not be replaced
   */
  public static Path check(Path file, boolean replace) throws OutputException {
    String shown = CheckpointException.quote(file);
    Path target = file.toAbsolutePath();
    if (Files.isSymbolicLink(target)) {
      try {
        target = target.toRealPath();
      } catch (IOException e) {
        throw OutputException.refused(
            "output: it is a link to a missing file (" + shown + ")", "give another name");
      }
    }
    Path folder = target.getParent();
    if (target.getFileName() == null || folder == null || Files.isDirectory(target)) {
      throw OutputException.refused(
          "output: expected the name of a file, got a folder (" + shown + ")",
          "add a file name to it");
    }
    if (!Files.isDirectory(folder)) {
      throw OutputException.refused(
          "output: no such folder: " + CheckpointException.quote(folder), "make it first");
    }
    if (Files.exists(target) && !Files.isRegularFile(target)) {
      throw OutputException.refused(
          "output: it is a device or pipe (" + shown + ")", "give the name of a file");
    }
    if (!replace && Files.exists(target)) {
      throw exists(target);
    }
    return target;
  }

  private static OutputException exists(Path target) {
    return OutputException.refused(
        "output: the file is there already: " + CheckpointException.quote(target),
        "--force replaces it; or give another name");
  }

  private static void requireSpace(Path target, long bytes) throws OutputException {
    try {
      long free = Files.getFileStore(target.getParent()).getUsableSpace();
      if (free < bytes) {
        throw OutputException.failed(
            "output: not enough space, expected "
                + megabytes(bytes)
                + " free, got "
                + megabytes(free)
                + " ("
                + CheckpointException.quote(target)
                + ")",
            "free some space, write to another disk, or choose a smaller type",
            null);
      }
    } catch (OutputException e) {
      throw e;
    } catch (IOException e) {
      throw failure("its disk can't be asked for free space", target, e);
    }
  }

  private static String megabytes(long bytes) {
    return String.format(Locale.ROOT, "%.1f MB", bytes / 1e6);
  }

  /** Bytes written so far. */
  long position() {
    return position;
  }

  /** Appends bytes. */
  void write(MemorySegment bytes) throws OutputException {
    try {
      for (long from = 0; from < bytes.byteSize(); from += PIECE) {
        ByteBuffer piece =
            bytes.asSlice(from, Math.min(PIECE, bytes.byteSize() - from)).asByteBuffer();
        while (piece.hasRemaining()) {
          position += sink.write(piece);
        }
      }
    } catch (IOException e) {
      throw failure("writing failed", target, e);
    }
  }

  /** Puts the whole file in its place, after its bytes have reached the disk. */
  void commit() throws OutputException {
    try {
      channel.force(true);
      channel.close();
      if (!replace && Files.exists(target, LinkOption.NOFOLLOW_LINKS)) {
        throw exists(target);
      }
      Files.move(part, target, StandardCopyOption.ATOMIC_MOVE);
      done = true;
      Unfinished.FILES.remove(part);
      syncFolder();
    } catch (OutputException e) {
      throw e;
    } catch (IOException e) {
      throw failure("writing failed", target, e);
    }
  }

  /** So that the new name survives a power cut; not every system lets a folder be opened. */
  private void syncFolder() {
    try (FileChannel folder = FileChannel.open(target.getParent(), StandardOpenOption.READ)) {
      folder.force(true);
    } catch (IOException e) {
      // The file itself is safe.
    }
  }

  private static OutputException failure(String what, Path target, IOException cause) {
    String reason = cause instanceof FileSystemException system ? system.getReason() : null;
    if (reason == null) {
      reason = cause.getMessage() == null ? cause.getClass().getSimpleName() : cause.getMessage();
    }
    return OutputException.failed(
        "output: " + what + ": " + reason + " (" + CheckpointException.quote(target) + ")",
        "free some space or check the folder; nothing was left behind",
        cause);
  }

  private static Path part(Path target) {
    return target.resolveSibling(target.getFileName() + SUFFIX);
  }

  @Override
  public void close() {
    closeQuietly(channel);
    if (!done) {
      deleteQuietly(part);
      Unfinished.FILES.remove(part);
    }
  }

  private static void closeQuietly(FileChannel channel) {
    if (channel != null) {
      try {
        channel.close();
      } catch (IOException e) {
        // What it could not write is deleted anyway.
      }
    }
  }

  private static void deleteQuietly(Path file) {
    try {
      Files.deleteIfExists(file);
    } catch (IOException e) {
      // Nothing more can be done; the name tells what it is.
    }
  }
}
