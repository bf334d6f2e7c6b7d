package inkstone.loader;

import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.regex.Pattern;

/** Files that a download tool names so until they are whole. */
public final class UnfinishedDownloads {
  private static final int MAX_FILES = 10_000;
  private static final Pattern NAME =
      Pattern.compile(".*\\.(?:part|partial|incomplete|crdownload|download|aria2|!qb)");

  private UnfinishedDownloads() {}

  /** Whether a download tool would name an unfinished file so. */
  public static boolean isOne(Path file) {
    Path name = file.getFileName();
    return name != null && NAME.matcher(name.toString().toLowerCase(Locale.ROOT)).matches();
  }

  /**
   * For a message about a missing file: ", and an unfinished download (NAME)" when the folder has
   * one, else nothing.
   */
  public static String said(Path folder) {
    SortedSet<String> names = new TreeSet<>();
    int seen = 0;
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(folder)) {
      for (Path entry : entries) {
        if (isOne(entry)) {
          names.add(entry.getFileName().toString());
        }
        if (++seen == MAX_FILES) {
          break;
        }
      }
    } catch (IOException | DirectoryIteratorException e) {
      return ""; // The message is about something else.
    }
    return names.isEmpty()
        ? ""
        : ", and an unfinished download: " + CheckpointException.quote(names.first());
  }
}
