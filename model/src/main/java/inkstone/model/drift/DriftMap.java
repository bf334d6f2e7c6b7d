package inkstone.model.drift;

import java.util.ArrayList;
import java.util.List;

/**
 * One relative error for each step, layer and reference, each from 0. Every value is a finite
 * number of 0 or more.
 */
public final class DriftMap {
  /** A place of the map and what is there. */
  public record Entry(int step, int layer, int reference, double error) {}

  private final int steps;
  private final int layers;
  private final int references;
  private final double[] errors;

  /**
   * @param errors {@code [steps, layers, references]}
   * @throws IllegalArgumentException when a value is missing, negative or not finite
   */
  public DriftMap(int steps, int layers, int references, double[] errors) {
    if (errors.length == 0 || errors.length != Math.multiplyExact(steps * layers, references)) {
      throw new IllegalArgumentException(
          "DriftMap: values of "
              + steps
              + " steps, "
              + layers
              + " layers and "
              + references
              + " references, expected their product, got "
              + errors.length
              + "; give one for each");
    }
    this.steps = steps;
    this.layers = layers;
    this.references = references;
    this.errors = errors.clone();
    for (int i = 0; i < errors.length; i++) {
      if (!(errors[i] >= 0 && errors[i] < Double.POSITIVE_INFINITY)) {
        throw new IllegalArgumentException(
            "DriftMap: "
                + entry(i)
                + ", expected a finite error of 0 or more, got "
                + errors[i]
                + "; look for the step that made it");
      }
    }
  }

  public int steps() {
    return steps;
  }

  public int layers() {
    return layers;
  }

  public int references() {
    return references;
  }

  public double error(int step, int layer, int reference) {
    return errors[(step * layers + layer) * references + reference];
  }

  /** Mean over everything. */
  public double mean() {
    double sum = 0;
    for (double error : errors) {
      sum += error;
    }
    return sum / errors.length;
  }

  /** The largest; of equals the first. */
  public Entry worst() {
    int worst = 0;
    for (int i = 1; i < errors.length; i++) {
      if (errors[i] > errors[worst]) {
        worst = i;
      }
    }
    return entry(worst);
  }

  /** The smallest. */
  public double least() {
    double least = errors[0];
    for (double error : errors) {
      least = Math.min(least, error);
    }
    return least;
  }

  private Entry entry(int i) {
    return new Entry(i / references / layers, i / references % layers, i % references, errors[i]);
  }

  /** {@code [steps][layers][references]}. */
  public List<List<List<Double>>> toLists() {
    List<List<List<Double>>> bySteps = new ArrayList<>();
    for (int step = 0; step < steps; step++) {
      List<List<Double>> byLayers = new ArrayList<>();
      for (int layer = 0; layer < layers; layer++) {
        List<Double> byReferences = new ArrayList<>();
        for (int reference = 0; reference < references; reference++) {
          byReferences.add(error(step, layer, reference));
        }
        byLayers.add(byReferences);
      }
      bySteps.add(byLayers);
    }
    return bySteps;
  }
}
