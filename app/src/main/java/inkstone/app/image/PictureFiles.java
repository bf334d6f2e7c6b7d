package inkstone.app.image;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;

/** Picture files as bytes, with every way a path can be wrong told apart. */
final class PictureFiles {
  /** No picture within the pixel limit needs more, uncompressed 16-bit RGBA apart. */
  static final long MAX_BYTES = 256L << 20;

  private PictureFiles() {}

  static byte[] readAll(Path path) throws PictureException {
    if (!Files.exists(path)) {
      boolean dangling = Files.exists(path, LinkOption.NOFOLLOW_LINKS);
      throw new PictureException(
          dangling
              ? "picture: link to a missing file, expected a PNG or JPEG picture ("
                  + path
                  + "); check where it points"
              : "picture: no such file (" + path + "); check the path");
    }
    if (Files.isDirectory(path)) {
      throw new PictureException(
          "picture: expected a PNG or JPEG picture, got a folder ("
              + path
              + "); name a file inside it");
    }
    if (!Files.isRegularFile(path)) {
      throw new PictureException(
          "picture: expected a regular file, got a device or pipe ("
              + path
              + "); save the picture to a file first");
    }
    if (!Files.isReadable(path)) {
      throw new PictureException(
          "picture: no permission to read the file (" + path + "); change its permissions");
    }
    try {
      long size = Files.size(path);
      if (size > MAX_BYTES) {
        throw new PictureException(
            "picture: file size, expected at most "
                + (MAX_BYTES >> 20)
                + " MB, got "
                + (size >> 20)
                + " MB ("
                + path
                + "); make the picture smaller");
      }
      return Files.readAllBytes(path);
    } catch (PictureException e) {
      throw e;
    } catch (IOException e) {
      throw new PictureException(
          "picture: reading failed: " + e.getMessage() + " (" + path + "); try again", e);
    }
  }
}
