package inkstone.model.dit;

import inkstone.tensor.Tensor;
import java.util.List;

/**
 * The rows that a pass computes in some of its blocks: a run of text rows and, right behind it, a
 * run of image rows of the {@link DitState}'s buffers. Either may be empty.
 *
 * @param text under the text's weights
 * @param image under the image's weights
 * @param spans the same rows by modulation
 * @param cos {@code [image rows, d / 2]}, of the image rows
 * @param sin as cos
 */
record ActiveRows(
    DitState.Rows text, DitState.Rows image, List<DitState.Span> spans, Tensor cos, Tensor sin) {
  ActiveRows {
    spans = List.copyOf(spans);
  }

  /** All rows, text first. */
  DitState.Rows all() {
    return text.count() == 0 ? image : new DitState.Rows(text.from(), image.to());
  }

  long count() {
    return text.count() + image.count();
  }

  boolean isEmpty() {
    return count() == 0;
  }
}
