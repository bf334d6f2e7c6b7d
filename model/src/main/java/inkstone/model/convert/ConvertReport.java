package inkstone.model.convert;

import inkstone.tensor.DType;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * What was written.
 *
 * @param files every file, in the order of writing
 * @param types tensors and their bytes, by type
 * @param bytesBefore bytes of the tensors in the source
 * @param notes what a user should know: tensors of another type than asked for, rules without use
 */
public record ConvertReport(
    List<Written> files,
    Map<DType, Count> types,
    long bytesBefore,
    double seconds,
    List<String> notes) {
  /**
   * A file of tensors.
   *
   * @param network its class, or empty when it is of no known kind
   */
  public record Written(Path path, String network, int tensors, long bytes) {}

  /** Tensors of one type. */
  public record Count(int tensors, long bytes) {
    Count plus(long more) {
      return new Count(tensors + 1, bytes + more);
    }
  }

  /** Bytes of the tensors as written. */
  public long bytesAfter() {
    return types.values().stream().mapToLong(Count::bytes).sum();
  }
}
