package inkstone.loader.form;

import inkstone.loader.CheckpointException;
import inkstone.loader.TensorSource;
import inkstone.tensor.Tensor;
import java.util.Collections;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * One part of a model inside an open checkpoint, under the names and with the values that the
 * networks ask for: what stands before its names is taken off, scales are attached to their
 * weights, Wan's names of the VAE become diffusers'. Nothing is copied.
 */
public final class PartSource implements TensorSource {
  /** An empty tensor with which ComfyUI marks Qwen-Image-Edit-2511. */
  public static final String TIMESTEP_ZERO_MARKER = "__index_timestep_zero__";

  private final TensorSource source;
  private final SortedMap<String, String> stored = new TreeMap<>();
  private final Map<String, Float> scales;
  private final boolean timestepZero;

  private PartSource(TensorSource source, PartKind kind, String prefix) throws CheckpointException {
    this.source = source;
    this.scales = Fp8Scales.of(source);
    for (String name : source.names()) {
      if (name.startsWith(prefix) && !Fp8Scales.isNote(name)) {
        stored.put(name.substring(prefix.length()), name);
      }
    }
    this.timestepZero = stored.remove(TIMESTEP_ZERO_MARKER) != null;
    if (kind == PartKind.VAE && WanVaeNames.uses(stored.keySet())) {
      Map<String, String> renamed = WanVaeNames.of(stored.keySet());
      renamed.replaceAll((_, wan) -> stored.get(wan));
      stored.clear();
      stored.putAll(renamed);
    }
  }

  /**
   * @param prefix what stands before the part's names, from {@link PartKind#of}
   * @throws CheckpointException when weights are stored with scales of a kind that is not read
   */
  public static PartSource of(TensorSource source, PartKind kind, String prefix)
      throws CheckpointException {
    return new PartSource(source, kind, prefix);
  }

  /** Whether the file says that references are modulated as at timestep 0. */
  public boolean marksTimestepZero() {
    return timestepZero;
  }

  /** The checkpoint that this looks into. */
  public TensorSource source() {
    return source;
  }

  /** Bytes of the part's tensors in the file. */
  public long bytes() {
    long bytes = 0;
    for (String name : stored.values()) {
      bytes += source.tensor(name).segment().byteSize();
    }
    return bytes;
  }

  @Override
  public Set<String> names() {
    return Collections.unmodifiableSet(stored.keySet());
  }

  @Override
  public Tensor tensor(String name) {
    String at = stored.get(name);
    if (at == null) {
      throw new IllegalArgumentException(
          "PartSource.tensor: expected a name of the part, got " + CheckpointException.quote(name));
    }
    Tensor tensor = source.tensor(at).named(name);
    Float scale = scales.get(at);
    return scale == null ? tensor : tensor.scaled(scale);
  }

  @Override
  public String where(String name) {
    return source.where(stored.getOrDefault(name, name));
  }

  @Override
  public Map<String, String> metadata() {
    return source.metadata();
  }
}
