package inkstone.model.bench;

import inkstone.tensor.DType;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * One thing to measure.
 *
 * @param work what is done
 * @param sizes every size of the work by name
 * @param dtype type of the weights
 * @param threads worker threads
 */
public record BenchCase(BenchWork work, Map<String, Integer> sizes, DType dtype, int threads) {
  private static final int MAX_SIZE = 1 << 24;

  public BenchCase {
    for (String name : sizes.keySet()) {
      if (!work.shapes().getFirst().containsKey(name)) {
        throw new IllegalArgumentException(
            "bench "
                + work.word()
                + ": size, expected one of "
                + work.shapes().getFirst().keySet()
                + ", got \""
                + name
                + "\"; leave it out");
      }
    }
    Map<String, Integer> all = new LinkedHashMap<>(work.shapes().getFirst());
    all.putAll(sizes);
    all.forEach((name, value) -> {
      int min = name.equals("refs") ? 0 : 1;
      if (value < min || value > MAX_SIZE) {
        throw new IllegalArgumentException(
            "bench "
                + work.word()
                + ": size "
                + name
                + ", expected "
                + min
                + " to "
                + MAX_SIZE
                + ", got "
                + value
                + "; give another");
      }
    });
    sizes = Collections.unmodifiableMap(all);
    if (!work.dtypes().contains(dtype)) {
      throw new IllegalArgumentException(
          "bench "
              + work.word()
              + ": weight type, expected one of "
              + work.dtypes()
              + ", got "
              + dtype
              + "; choose one of them");
    }
    if (threads < 1 || threads > 1024) {
      throw new IllegalArgumentException(
          "bench: threads, expected 1 to 1024, got " + threads + "; give another");
    }
  }

  /** A size by its name. */
  int size(String name) {
    return sizes.get(name);
  }

  /** As {@code gemm m=2304 n=3072 k=3072 BF16}. */
  public String describe() {
    StringBuilder text = new StringBuilder(work.word());
    sizes.forEach((name, value) -> text.append(' ').append(name).append('=').append(value));
    return work.dtypes().size() > 1 ? text.append(' ').append(dtype).toString() : text.toString();
  }
}
