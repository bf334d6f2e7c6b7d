package inkstone.app.cli;

import inkstone.model.pipeline.OutputSize;
import java.util.Locale;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.Option;

/** The size of the result. */
final class ShapeOptions {
  private static final int MULTIPLE = 16;
  private static final Pattern REFERENCE = Pattern.compile("ref:(\\S+)");
  private static final Pattern EXACT = Pattern.compile("([^x\\s]+)x([^x\\s]+)");

  @Option(
      names = {"-W", "--width"},
      paramLabel = "PX",
      description = "Width of the result, with -H; floored to a multiple of 16")
  private String width;

  @Option(
      names = {"-H", "--height"},
      paramLabel = "PX",
      description = "Height of the result, with -W")
  private String height;

  @Option(
      names = "--size",
      paramLabel = "SIZE",
      description =
          "auto (default: the model's own area, in the aspect of the last reference), same (as the"
              + " first reference), ref:N (the aspect of reference N) or WxH")
  private String size;

  /**
   * What was asked.
   *
   * @param references how many pictures there are, 0 for text to image
   * @param warnings told when a side is floored
   */
  OutputSize resolve(int references, Consumer<String> warnings) throws Failure {
    if (width != null || height != null) {
      if (size != null) {
        throw Failure.usage("--size and -W/-H are both given", "give one of them");
      }
      if (width == null || height == null) {
        throw Failure.usage(
            "-W and -H belong together; " + (width == null ? "-W" : "-H") + " is missing",
            "give both, or neither for the model's own size");
      }
      return exact("-W", width, "-H", height, warnings);
    }
    if (size == null) {
      return OutputSize.AUTO;
    }
    String text = size.strip().toLowerCase(Locale.ROOT);
    Matcher reference = REFERENCE.matcher(text);
    Matcher exact = EXACT.matcher(text);
    if (text.equals("auto")) {
      return OutputSize.AUTO;
    }
    if (exact.matches()) {
      return exact("--size", exact.group(1), "--size", exact.group(2), warnings);
    }
    boolean same = text.equals("same");
    if (!same && !reference.matches()) {
      throw Numbers.unfit("--size", "auto, same, ref:N or WxH", size);
    }
    if (references == 0) {
      throw Failure.usage(
          "--size " + size + " needs a reference picture",
          "use --size WxH here, or the edit command with -r");
    }
    return same
        ? OutputSize.SAME
        : new OutputSize.OfReference(
            Numbers.whole("--size ref:N", reference.group(1), 1, references));
  }

  private static OutputSize exact(
      String widthOption, String width, String heightOption, String height, Consumer<String> warn)
      throws Failure {
    int w = Numbers.whole(widthOption, width, MULTIPLE, OutputSize.MAX_SIDE);
    int h = Numbers.whole(heightOption, height, MULTIPLE, OutputSize.MAX_SIDE);
    int flooredW = w / MULTIPLE * MULTIPLE;
    int flooredH = h / MULTIPLE * MULTIPLE;
    if (flooredW != w || flooredH != h) {
      warn.accept(
          "size "
              + w
              + "x"
              + h
              + " becomes "
              + flooredW
              + "x"
              + flooredH
              + ": sides are multiples"
              + " of 16");
    }
    return new OutputSize.Exact(flooredW, flooredH);
  }
}
