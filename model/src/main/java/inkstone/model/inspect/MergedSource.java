package inkstone.model.inspect;

import inkstone.loader.TensorSource;
import inkstone.tensor.Tensor;
import java.util.Collections;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * The tensors of several files as one checkpoint. Unlike a sharded checkpoint it also takes what
 * there is of an incomplete one.
 */
final class MergedSource implements TensorSource {
  private final NavigableMap<String, TensorSource> sources = new TreeMap<>();
  private final NavigableMap<String, String> metadata = new TreeMap<>();
  private String where = "";

  /** Adds a file; a name that was there before stays with its first file, and is told. */
  Set<String> add(TensorSource source) {
    Set<String> twice = new TreeSet<>();
    for (String name : source.names()) {
      if (sources.putIfAbsent(name, source) != null) {
        twice.add(name);
      }
    }
    source.metadata().forEach(metadata::putIfAbsent);
    where = where.isEmpty() ? source.where("") : where;
    return twice;
  }

  @Override
  public Set<String> names() {
    return Collections.unmodifiableSet(sources.keySet());
  }

  @Override
  public Tensor tensor(String name) {
    TensorSource source = sources.get(name);
    if (source == null) {
      throw new IllegalArgumentException(
          "MergedSource.tensor: expected a name of the files, got " + name);
    }
    return source.tensor(name);
  }

  @Override
  public String where(String name) {
    TensorSource source = sources.get(name);
    return source == null ? where : source.where(name);
  }

  @Override
  public Map<String, String> metadata() {
    return Collections.unmodifiableMap(metadata);
  }
}
