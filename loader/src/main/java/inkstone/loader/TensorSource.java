package inkstone.loader;

import inkstone.tensor.Tensor;
import java.util.Map;
import java.util.Set;

/**
 * An open checkpoint: named tensors over mapped files, in one file or several. Every name, dtype,
 * shape and range was checked when it was opened.
 */
public interface TensorSource {
  /** All tensor names, sorted. */
  Set<String> names();

  /**
   * The tensor of that name; throws {@link IllegalArgumentException} for a name not in {@link
   * #names}.
   */
  Tensor tensor(String name);

  /**
   * Where the tensor of that name lies, or the whole checkpoint for an unknown name; for messages.
   */
  String where(String name);

  /** Free text that the writer stored beside the tensors. */
  Map<String, String> metadata();
}
