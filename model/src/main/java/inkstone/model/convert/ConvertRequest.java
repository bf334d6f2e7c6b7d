package inkstone.model.convert;

import inkstone.tensor.DType;
import java.nio.file.Path;
import java.util.List;

/**
 * What to convert.
 *
 * @param in a model folder, the folder of one network, an index, or a file
 * @param out a file for one network, a folder for a whole model
 * @param type for all tensors that no rule speaks of
 * @param format how to store them; null for what the name of {@code out} says, or the type needs
 * @param rules of the user, the first that matches counts
 * @param threads workers; they never change a byte
 * @param force whether existing files may be replaced
 */
public record ConvertRequest(
    Path in,
    Path out,
    DType type,
    OutputFormat format,
    List<TypeRule> rules,
    int threads,
    boolean force) {
  public ConvertRequest {
    rules = List.copyOf(rules);
  }
}
