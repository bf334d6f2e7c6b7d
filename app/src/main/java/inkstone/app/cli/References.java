package inkstone.app.cli;

import inkstone.app.image.PictureReader;
import inkstone.model.image.Image;
import java.io.IOException;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;

/** The pictures of {@code -r}, in order. */
final class References {
  private static final References NONE = new References(List.of());

  private final List<String> paths;
  private final List<String> hashes = new ArrayList<>();

  private References(List<String> paths) {
    this.paths = List.copyOf(paths);
  }

  static References none() {
    return NONE;
  }

  static References of(List<String> paths) {
    return new References(paths);
  }

  /** As the user gave them. */
  List<String> paths() {
    return paths;
  }

  /** SHA-256 of each file; filled by {@link #read}. */
  List<String> hashes() {
    return List.copyOf(hashes);
  }

  /** Decodes all of them. */
  List<Image> read() throws Failure, IOException {
    List<Image> images = new ArrayList<>();
    for (String given : paths) {
      if (given.isBlank()) {
        throw Failure.usage("-r: the file name is empty", "give a PNG or JPEG picture");
      }
      Path path = Paths.of("-r", given);
      byte[] data = PictureReader.bytes(path);
      images.add(PictureReader.decode(data, path.toString(), PictureReader.DEFAULT_MAX_PIXELS));
      hashes.add(sha256(data));
    }
    return images;
  }

  private static String sha256(byte[] data) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(data));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java runtime has SHA-256", e);
    }
  }
}
