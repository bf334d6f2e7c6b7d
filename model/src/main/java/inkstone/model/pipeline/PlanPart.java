package inkstone.model.pipeline;

import inkstone.tensor.DType;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * A part of the model on disk.
 *
 * @param name text_encoder, vision_tower, transformer or vae
 * @param bytes of its tensors
 * @param dtypes bytes by type, the most first
 * @param files that hold it
 */
public record PlanPart(String name, long bytes, Map<DType, Long> dtypes, List<Path> files) {
  public PlanPart {
    files = List.copyOf(files);
  }

  /** The type of most of its bytes. */
  public DType dtype() {
    DType most = DType.F32;
    long bytesOfMost = -1;
    for (Map.Entry<DType, Long> entry : dtypes.entrySet()) {
      if (entry.getValue() > bytesOfMost) {
        most = entry.getKey();
        bytesOfMost = entry.getValue();
      }
    }
    return most;
  }
}
