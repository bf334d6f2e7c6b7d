package inkstone.model.pipeline;

/** How large the picture becomes, in pixels; every size is floored to a multiple of 16. */
public sealed interface OutputSize {
  /** Longest side that is accepted. */
  int MAX_SIDE = 8192;

  /**
   * As diffusers: the model's own area in the last reference's aspect (the first one's in
   * first-generation Edit); square without references.
   */
  OutputSize AUTO = new Auto();

  /** The first reference's own size. */
  OutputSize SAME = new Same();

  /** See {@link #AUTO}. */
  record Auto() implements OutputSize {}

  /** See {@link #SAME}. */
  record Same() implements OutputSize {}

  /**
   * The model's own area in the aspect of one reference.
   *
   * @param number 1 for the first reference
   */
  record OfReference(int number) implements OutputSize {
    public OfReference {
      if (number < 1) {
        throw new IllegalArgumentException("size ref:N: expected 1 or more, got " + number);
      }
    }
  }

  /** Given sides of 16 to {@link #MAX_SIDE} pixels. */
  record Exact(int width, int height) implements OutputSize {
    public Exact {
      check("width", width);
      check("height", height);
    }

    private static void check(String what, int side) {
      if (side < 16 || side > MAX_SIDE) {
        throw new IllegalArgumentException(
            what + ": expected 16 to " + MAX_SIDE + " pixels, got " + side);
      }
    }
  }
}
