package inkstone.model.kv;

/**
 * How far fresh keys and values lie from the kept ones that they replaced, over all layers and rows
 * of one pass.
 *
 * @param difference sum of the squared differences
 * @param reference sum of the squared fresh values
 */
public record SliceDrift(double difference, double reference) {
  /** Nothing was replaced. */
  public static final SliceDrift NONE = new SliceDrift(0, 0);

  public boolean measured() {
    return reference > 0;
  }

  /** Relative L2 distance; 0 when nothing was measured. */
  public double relative() {
    return measured() ? Math.sqrt(difference / reference) : 0;
  }

  SliceDrift plus(double moreDifference, double moreReference) {
    return new SliceDrift(difference + moreDifference, reference + moreReference);
  }
}
