package inkstone.model.image;

/** Width and height in pixels, both 1 or more. */
public record Size(int width, int height) {
  public Size {
    if (width <= 0 || height <= 0) {
      throw new IllegalArgumentException(
          "Size: expected both sides to be 1 or more, got " + width + "x" + height);
    }
  }

  public long pixels() {
    return (long) width * height;
  }

  @Override
  public String toString() {
    return width + "x" + height;
  }
}
