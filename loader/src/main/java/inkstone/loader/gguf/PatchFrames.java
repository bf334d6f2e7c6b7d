package inkstone.loader.gguf;

import inkstone.loader.CheckpointException;
import inkstone.loader.TensorSource;
import inkstone.memory.TensorArena;
import inkstone.tensor.Shape;
import inkstone.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.Collections;
import java.util.Map;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;

/**
 * An mmproj file whose patch embedding is one tensor again, [hidden, channels, 2, side, side].
 * llama.cpp's converter cuts it into {@code v.patch_embd.weight} and {@code v.patch_embd.weight.1},
 * one for each of the two frames, because ggml has no convolution of three dimensions.
 */
final class PatchFrames implements TensorSource {
  static final String FIRST = "v.patch_embd.weight";
  private static final String SECOND = "v.patch_embd.weight.1";

  private final TensorSource file;
  private final Tensor joined;
  private final SortedSet<String> names;

  private PatchFrames(TensorSource file, Tensor joined) {
    this.file = file;
    this.joined = joined;
    SortedSet<String> all = new TreeSet<>(file.names());
    all.remove(SECOND);
    this.names = Collections.unmodifiableSortedSet(all);
  }

  /** Joins the two tensors in the arena; a file without them is given back as it is. */
  static TensorSource join(TensorArena arena, TensorSource file) throws CheckpointException {
    if (!file.names().contains(FIRST) || !file.names().contains(SECOND)) {
      return file;
    }
    Tensor first = file.tensor(FIRST);
    Tensor second = file.tensor(SECOND);
    if (first.rank() != 4
        || first.dtype() != second.dtype()
        || !first.shape().equals(second.shape())) {
      throw CheckpointException.of(
          "gguf: tensor "
              + CheckpointException.quote(SECOND)
              + ", expected "
              + first.dtype()
              + first.shape()
              + " of 4 dimensions, as "
              + CheckpointException.quote(FIRST)
              + ", got "
              + second.dtype()
              + second.shape(),
          file.where(SECOND),
          "use the mmproj file that was converted from this model");
    }
    Shape shape = Shape.of(first.dim(0), first.dim(1), 2, first.dim(2), first.dim(3));
    Tensor joined = Tensor.allocate(arena, FIRST, first.dtype(), shape);
    long planes = first.dim(0) * first.dim(1);
    long bytes = planes == 0 ? 0 : first.segment().byteSize() / planes;
    MemorySegment to = joined.segment();
    for (long plane = 0; plane < planes; plane++) {
      MemorySegment.copy(first.segment(), plane * bytes, to, 2 * plane * bytes, bytes);
      MemorySegment.copy(second.segment(), plane * bytes, to, (2 * plane + 1) * bytes, bytes);
    }
    return new PatchFrames(file, joined);
  }

  @Override
  public Set<String> names() {
    return names;
  }

  @Override
  public Tensor tensor(String name) {
    return name.equals(FIRST) ? joined : file.tensor(name);
  }

  @Override
  public String where(String name) {
    return file.where(name);
  }

  @Override
  public Map<String, String> metadata() {
    return file.metadata();
  }
}
