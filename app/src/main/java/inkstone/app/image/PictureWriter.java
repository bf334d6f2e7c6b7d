package inkstone.app.image;

import inkstone.model.image.Image;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Pictures to PNG files. A file is either whole or not there: it is written beside its target under
 * another name and then renamed over it, and what was half written goes away on failure and on
 * Ctrl-C.
 */
public final class PictureWriter {
  private static final Set<String> OTHER_FORMATS =
      Set.of("jpg", "jpeg", "webp", "gif", "bmp", "tif", "tiff", "avif", "heic", "jxl");
  private static final AtomicLong COUNTER = new AtomicLong();

  private PictureWriter() {}

  /** Unfinished files, removed when the process ends in the middle. */
  private static final class Unfinished {
    private static final Set<Path> FILES = ConcurrentHashMap.newKeySet();

    static {
      Runtime.getRuntime().addShutdownHook(new Thread(Unfinished::removeAll, "unfinished-files"));
    }

    private Unfinished() {}

    static void removeAll() {
      FILES.forEach(PictureWriter::deleteQuietly);
    }
  }

  /**
   * Finds out before the work whether {@link #write} can put a picture at {@code target}, and
   * leaves nothing behind: the folder has to be there and take files, the target may be an existing
   * regular file.
   *
   * @throws PictureException naming the path, the cause and what to do
   */
  public static void checkWritable(Path target) throws PictureException {
    Path place = resolve(target);
    Path part = part(place);
    try {
      Files.createFile(part);
    } catch (IOException e) {
      throw notWritable(target, "the folder takes no files: " + cause(e), e);
    } finally {
      deleteQuietly(part);
    }
  }

  /**
   * Writes a PNG with its texts; replaces what is there.
   *
   * @throws PictureException naming the path, the cause and what to do; {@code target} is then as
   *     it was
   */
  public static void write(Path target, Image image, PictureMetadata metadata)
      throws PictureException {
    Path place = resolve(target);
    byte[] png = PngEncoder.encode(image, metadata);
    Path part = part(place);
    Unfinished.FILES.add(part);
    try {
      try (FileChannel channel =
          FileChannel.open(part, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
        ByteBuffer bytes = ByteBuffer.wrap(png);
        while (bytes.hasRemaining()) {
          channel.write(bytes);
        }
      }
      move(part, place);
    } catch (IOException e) {
      throw notWritable(target, "writing failed: " + cause(e), e);
    } finally {
      deleteQuietly(part);
      Unfinished.FILES.remove(part);
    }
  }

  /** PNG bytes of a picture and its texts, as {@link #write} puts them into a file. */
  public static byte[] encode(Image image, PictureMetadata metadata) {
    return PngEncoder.encode(image, metadata);
  }

  private static void move(Path part, Path place) throws IOException {
    try {
      Files.move(part, place, StandardCopyOption.ATOMIC_MOVE);
    } catch (AtomicMoveNotSupportedException e) {
      Files.move(part, place, StandardCopyOption.REPLACE_EXISTING);
    }
  }

  /** The file behind the target, links followed, after every check that needs no writing. */
  private static Path resolve(Path target) throws PictureException {
    Path fileName = target.getFileName();
    if (fileName == null || fileName.toString().isEmpty()) {
      throw notWritable(target, "it names no file", null);
    }
    String lower = fileName.toString().toLowerCase(Locale.ROOT);
    String ending = lower.substring(lower.lastIndexOf('.') + 1);
    if (OTHER_FORMATS.contains(ending) && lower.length() > ending.length()) {
      throw new PictureException(
          "output: expected a name that ends in .png, got ."
              + ending
              + " ("
              + target
              + "); only PNG is written");
    }
    try {
      Path place = target.toAbsolutePath();
      if (place.normalize().startsWith("/dev")) {
        // Where standard output goes to a file, its device looks like that file.
        throw notWritable(target, "it is a device or pipe", null);
      }
      if (Files.isSymbolicLink(place)) {
        if (!Files.exists(place)) {
          throw notWritable(target, "it is a link to a missing file", null);
        }
        place = place.toRealPath();
      }
      requireParent(target, place.getParent());
      if (Files.isDirectory(place)) {
        throw new PictureException(
            "output: expected a file name, got a folder ("
                + target
                + "); add a name such as out.png");
      }
      if (Files.exists(place, LinkOption.NOFOLLOW_LINKS)) {
        if (!Files.isRegularFile(place)) {
          throw notWritable(target, "it is a device or pipe", null);
        }
        if (!Files.isWritable(place)) {
          throw notWritable(target, "the file is write-protected", null);
        }
      }
      return place;
    } catch (PictureException e) {
      throw e;
    } catch (IOException e) {
      throw notWritable(target, cause(e), e);
    }
  }

  private static void requireParent(Path target, Path parent) throws PictureException {
    if (parent == null || Files.isDirectory(parent)) {
      return;
    }
    throw new PictureException(
        Files.exists(parent)
            ? "output: "
                + parent
                + " is a file, expected a folder ("
                + target
                + "); choose another place"
            : "output: no such folder "
                + parent
                + " ("
                + target
                + "); create it or choose another place");
  }

  private static Path part(Path place) {
    String unique = ProcessHandle.current().pid() + "-" + COUNTER.incrementAndGet();
    return place.resolveSibling(".inkstone-" + unique + ".part");
  }

  private static void deleteQuietly(Path path) {
    try {
      Files.deleteIfExists(path);
    } catch (IOException e) {
      // The failure that is being reported matters more than a left-over file.
      path.toFile().deleteOnExit();
    }
  }

  private static String cause(IOException e) {
    if (e instanceof AccessDeniedException) {
      return "permission denied";
    }
    if (e instanceof FileAlreadyExistsException) {
      return "a file of the same name appeared";
    }
    if (e instanceof FileSystemException f && f.getReason() != null) {
      return f.getReason();
    }
    return String.valueOf(e.getMessage());
  }

  private static PictureException notWritable(Path target, String why, Throwable cause) {
    return new PictureException(
        "output: can't write " + target + ": " + why + "; choose another file or folder", cause);
  }
}
