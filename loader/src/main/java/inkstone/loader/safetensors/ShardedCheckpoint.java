package inkstone.loader.safetensors;

import inkstone.loader.CheckpointException;
import inkstone.loader.CheckpointFiles;
import inkstone.loader.JoinedCheckpoint;
import inkstone.loader.PartNames;
import inkstone.loader.TensorSource;
import inkstone.loader.UnfinishedDownloads;
import inkstone.loader.json.Json;
import inkstone.loader.json.JsonLimits;
import inkstone.memory.TensorArena;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;

/**
 * Several safetensors files behind one {@code *.safetensors.index.json}, whose {@code weight_map}
 * says which file holds which tensor. Only plain file names beside the index are followed.
 */
public final class ShardedCheckpoint {
  /** The largest published checkpoints have a few hundred shards. */
  static final int MAX_SHARDS = 1024;

  /** Estimated heap of all headers together. */
  private static final long MAX_KEPT_BYTES = 64L << 20;

  private ShardedCheckpoint() {}

  /** Reads the index, opens every shard and checks that each holds what the index says. */
  public static TensorSource open(TensorArena arena, Path index) throws CheckpointException {
    Map<String, Json> weightMap = Json.read(index, JsonLimits.CONFIG).get("weight_map").fields();
    requireShardNames(weightMap);
    Map<String, SafetensorsFile> shards = new LinkedHashMap<>();
    SortedMap<String, TensorSource> fileOf = new TreeMap<>();
    long keptBytes = 0;
    for (Map.Entry<String, Json> entry : weightMap.entrySet()) {
      String tensor = entry.getKey();
      String shardName = entry.getValue().asString();
      SafetensorsFile shard = shards.get(shardName);
      if (shard == null) {
        shard = openShard(arena, index, shardName, tensor);
        shards.put(shardName, shard);
        keptBytes += shard.header().keptBytes();
        if (keptBytes > MAX_KEPT_BYTES) {
          throw CheckpointException.of(
              "safetensors: headers of the shards, expected content for at most "
                  + MAX_KEPT_BYTES
                  + " bytes of memory, got more with "
                  + CheckpointException.quote(shardName),
              CheckpointException.quote(index),
              "no model needs this much: the files are damaged or hostile");
        }
      }
      if (!shard.names().contains(tensor)) {
        throw CheckpointException.of(
            "safetensors: tensor "
                + CheckpointException.quote(tensor)
                + ", expected in "
                + CheckpointException.quote(shardName)
                + " by the index, got a file without it",
            CheckpointException.quote(index),
            "index and shards are of different downloads: download all of them again");
      }
      fileOf.put(tensor, shard);
    }
    return JoinedCheckpoint.of(index, fileOf, List.copyOf(shards.values()));
  }

  /**
   * Opens several files that no index names: all parts of one checkpoint, by their names or by
   * having no tensor in common.
   *
   * @param names plain names of files in the folder
   */
  public static TensorSource openAll(TensorArena arena, Path folder, SortedSet<String> names)
      throws CheckpointException {
    JoinedCheckpoint.Builder joined = new JoinedCheckpoint.Builder(folder);
    for (String name : names) {
      Optional<PartNames> part = PartNames.of(Path.of(name));
      if (part.isPresent()) {
        part.get().requireAll(names, folder);
      }
      SafetensorsFile file = SafetensorsFile.open(arena, folder.resolve(name));
      joined.add(file, file.header().keptBytes());
    }
    return joined.build();
  }

  /** All names are checked before the first file is touched. */
  private static void requireShardNames(Map<String, Json> weightMap) throws CheckpointException {
    Set<String> names = new HashSet<>();
    for (Json value : weightMap.values()) {
      String name = value.asString();
      if (names.add(name)) {
        requirePlainName(value, name);
      }
      if (names.size() > MAX_SHARDS) {
        throw value.error("at most " + MAX_SHARDS + " different files", "more");
      }
    }
  }

  private static void requirePlainName(Json value, String name) throws CheckpointException {
    boolean plain = name.endsWith(".safetensors") && !name.startsWith(".");
    for (int i = 0; i < name.length() && plain; i++) {
      char c = name.charAt(i);
      plain = c != '/' && c != '\\' && c != ':' && !Character.isISOControl(c);
    }
    if (!plain || name.length() > 255) {
      throw value.error("the plain name of a .safetensors file in the folder of the index");
    }
  }

  private static SafetensorsFile openShard(
      TensorArena arena, Path index, String name, String tensor) throws CheckpointException {
    Path shard = index.resolveSibling(name);
    String where = CheckpointException.quote(index);
    if (Files.notExists(shard)) {
      throw CheckpointException.of(
          "safetensors: shard "
              + CheckpointException.quote(name)
              + ", expected in the folder of the index for tensor "
              + CheckpointException.quote(tensor)
              + ", got no such file"
              + UnfinishedDownloads.said(shard.toAbsolutePath().getParent()),
          where,
          "download the missing file");
    }
    try {
      CheckpointFiles.requireFile(shard);
      // In a Hugging Face cache every file is a link into one blobs folder, the index too.
      Path folder = shard.toAbsolutePath().getParent().toRealPath();
      Path real = shard.toRealPath();
      if (!real.startsWith(folder) && !real.getParent().equals(index.toRealPath().getParent())) {
        throw CheckpointException.of(
            "safetensors: shard "
                + CheckpointException.quote(name)
                + ", expected a file in the folder of the index, got a link to "
                + CheckpointException.quote(real),
            where,
            "move the file there");
      }
    } catch (CheckpointException e) {
      throw e;
    } catch (IOException e) {
      throw CheckpointException.unreadable(CheckpointException.quote(shard), e);
    }
    return SafetensorsFile.open(arena, shard);
  }
}
