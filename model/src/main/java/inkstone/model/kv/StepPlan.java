package inkstone.model.kv;

import java.util.List;

/** What one forward pass computes, decided before its first block. */
public sealed interface StepPlan {
  StepPlan FULL = new Full();

  /** Text, target and references. */
  record Full() implements StepPlan {}

  /**
   * Text and target; layers {@code firstLayer} to {@code lastLayer} read kept keys and values of
   * the references, the others compute all rows.
   */
  record Cached(int firstLayer, int lastLayer) implements StepPlan {
    public Cached {
      if (firstLayer < 0 || lastLayer < firstLayer) {
        throw new IllegalArgumentException(
            "StepPlan.Cached: layers, expected the first from 0 up and the last not before it, got "
                + firstLayer
                + " to "
                + lastLayer
                + "; compute all rows with FULL");
      }
    }
  }

  /**
   * Text, target, and the reference rows j with {@code j mod groups} in {@code slices}, which
   * replace the kept ones.
   *
   * @param slices ascending, some but not all of 0 … groups − 1
   */
  record Partial(int groups, List<Integer> slices) implements StepPlan {
    public Partial {
      slices = List.copyOf(slices);
      boolean ascending = !slices.isEmpty() && slices.size() < groups && slices.getFirst() >= 0;
      for (int i = 1; ascending && i < slices.size(); i++) {
        ascending = slices.get(i) > slices.get(i - 1);
      }
      if (!ascending || slices.getLast() >= groups) {
        throw new IllegalArgumentException(
            "StepPlan.Partial: slices, expected some of 0 to "
                + (groups - 1)
                + " in ascending order, got "
                + slices
                + "; compute all rows with FULL, none with Cached");
      }
    }

    /** The chosen rows of {@code count} reference rows, ascending. */
    public int[] rows(long count) {
      return java.util.stream.IntStream.range(0, Math.toIntExact(count))
          .filter(row -> slices.contains(row % groups))
          .toArray();
    }
  }

  /**
   * One reference alone, at t = 0, without text and target.
   *
   * @param reference 0 for the first
   */
  record Prefill(int reference) implements StepPlan {}
}
