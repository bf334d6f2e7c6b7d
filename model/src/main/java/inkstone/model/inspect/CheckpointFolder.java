package inkstone.model.inspect;

import inkstone.loader.CheckpointException;
import inkstone.loader.FileKind;
import inkstone.loader.UnfinishedDownloads;
import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The checkpoint files of a folder, shards put together.
 *
 * @param groups files of one checkpoint by the name that they share
 * @param indexes index of a checkpoint by that name
 * @param problems unfinished downloads, and shards that are missing by their numbers
 */
record CheckpointFolder(
    Map<String, List<Path>> groups, Map<String, Path> indexes, List<String> problems) {
  private static final int MAX_FILES = 10_000;
  private static final String INDEX = ".safetensors.index.json";
  private static final Pattern SHARD = Pattern.compile("(.+)-(\\d{1,6})-of-(\\d{1,6})");
  private static final Pattern WEIGHTS = Pattern.compile("(.+)\\.(?:safetensors|sft|gguf)");

  /** Lists a folder. */
  static CheckpointFolder list(Path folder) throws CheckpointException {
    CheckpointFolder all =
        new CheckpointFolder(new TreeMap<>(), new TreeMap<>(), new ArrayList<>());
    Map<String, TreeSet<Integer>> missing = new TreeMap<>();
    for (Path file : files(folder)) {
      String name = file.getFileName().toString();
      if (UnfinishedDownloads.isOne(file)) {
        all.problems.add("file " + name + " is an unfinished download");
      } else if (name.endsWith(INDEX)) {
        all.indexes.put(name.substring(0, name.length() - INDEX.length()), file);
      } else if (isCheckpoint(file, name)) {
        all.add(file, name, missing);
      }
    }
    missing.forEach((stem, numbers) -> {
      if (!numbers.isEmpty() && !all.indexes.containsKey(stem)) {
        all.problems.add("of the shards of " + stem + " these are missing: " + numbers);
      }
    });
    return all;
  }

  private static List<Path> files(Path folder) throws CheckpointException {
    TreeSet<Path> files = new TreeSet<>();
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(folder)) {
      for (Path entry : entries) {
        if (files.size() < MAX_FILES && Files.isRegularFile(entry)) {
          files.add(entry);
        }
      }
    } catch (IOException e) {
      throw CheckpointException.unreadable(CheckpointException.quote(folder), e);
    } catch (DirectoryIteratorException e) {
      throw CheckpointException.unreadable(CheckpointException.quote(folder), e.getCause());
    }
    return List.copyOf(files);
  }

  /** By its name, so that a damaged one is not passed over; else by its content. */
  private static boolean isCheckpoint(Path file, String name) {
    if (WEIGHTS.matcher(name).matches()) {
      return true;
    }
    try {
      FileKind kind = FileKind.of(file);
      return kind == FileKind.SAFETENSORS || kind == FileKind.GGUF;
    } catch (CheckpointException e) {
      return false; // Nobody asked for a file that claims nothing and cannot be read.
    }
  }

  private void add(Path file, String name, Map<String, TreeSet<Integer>> missing) {
    Matcher weights = WEIGHTS.matcher(name);
    String stem = weights.matches() ? weights.group(1) : name;
    Matcher shard = SHARD.matcher(stem);
    if (shard.matches()) {
      stem = shard.group(1);
      int count = Math.min(Integer.parseInt(shard.group(3)), MAX_FILES);
      TreeSet<Integer> left =
          missing.computeIfAbsent(
              stem,
              s -> {
                TreeSet<Integer> numbers = new TreeSet<>();
                for (int i = 1; i <= count; i++) {
                  numbers.add(i);
                }
                return numbers;
              });
      left.remove(Integer.parseInt(shard.group(2)));
    }
    groups.computeIfAbsent(stem, s -> new ArrayList<>()).add(file);
  }

  /** Whether there is nothing to inspect. */
  boolean isEmpty() {
    return groups.isEmpty() && indexes.isEmpty();
  }
}
