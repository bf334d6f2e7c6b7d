package inkstone.loader;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The name of one part of a checkpoint in several files, {@code stem-00002-of-00005.suffix}, as
 * transformers and llama.cpp write it.
 *
 * @param stem what all parts start with
 * @param number from 1
 * @param count parts of the checkpoint
 * @param suffix what all parts end with, with its dot
 */
public record PartNames(String stem, int number, int count, String suffix) {
  private static final Pattern NAME =
      Pattern.compile("(.*)-([0-9]{5})-of-([0-9]{5})(\\.[A-Za-z0-9]+)");

  /** The parts of a name; empty when the file is not named as a part. */
  public static Optional<PartNames> of(Path file) {
    Path name = file.getFileName();
    Matcher matcher = NAME.matcher(name == null ? "" : name.toString());
    if (!matcher.matches()) {
      return Optional.empty();
    }
    int number = Integer.parseInt(matcher.group(2));
    int count = Integer.parseInt(matcher.group(3));
    return number < 1 || number > count || count > JoinedCheckpoint.MAX_FILES
        ? Optional.empty()
        : Optional.of(new PartNames(matcher.group(1), number, count, matcher.group(4)));
  }

  /** Names of all parts, in order. */
  public List<String> all() {
    List<String> names = new ArrayList<>(count);
    for (int i = 1; i <= count; i++) {
      names.add(String.format("%s-%05d-of-%05d%s", stem, i, count, suffix));
    }
    return names;
  }

  /** Refuses a list of names that has this part and lacks another one. */
  public void requireAll(Collection<String> present, Path folder) throws CheckpointException {
    for (String name : all()) {
      if (!present.contains(name)) {
        throw CheckpointException.of(
            "weights: expected all "
                + count
                + " parts of the checkpoint, got none named "
                + CheckpointException.quote(name)
                + UnfinishedDownloads.said(folder),
            CheckpointException.quote(folder),
            "download the missing file");
      }
    }
  }
}
