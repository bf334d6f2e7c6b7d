package inkstone.model.inspect;

import inkstone.loader.TensorSource;
import inkstone.tensor.Shape;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * The tensors of a network against those that its constructor asks for, under the network's own
 * names.
 *
 * @param expected how many tensors the network reads
 * @param missing those that are not there
 * @param misshapen "name, expected [a, b], got [c, d]"
 * @param unread tensors that the network does not read
 */
public record Fit(int expected, List<String> missing, List<String> misshapen, List<String> unread) {

  /**
   * Compares.
   *
   * @param expected shape of each tensor by its name
   * @param sources what there is, under those names
   */
  static Fit of(Map<String, long[]> expected, List<? extends TensorSource> sources) {
    List<String> missing = new ArrayList<>();
    List<String> misshapen = new ArrayList<>();
    Set<String> unread = new TreeSet<>();
    sources.forEach(source -> unread.addAll(source.names()));
    expected.forEach((name, dims) -> {
      Shape shape = Shape.of(dims);
      TensorSource holder =
          sources.stream().filter(source -> source.names().contains(name)).findFirst().orElse(null);
      if (holder == null) {
        missing.add(name);
        return;
      }
      unread.remove(name);
      Shape got = holder.tensor(name).shape();
      if (!got.equals(shape)) {
        misshapen.add(name + ", expected " + shape + ", got " + got);
      }
    });
    return new Fit(expected.size(), missing, misshapen, List.copyOf(unread));
  }
}
