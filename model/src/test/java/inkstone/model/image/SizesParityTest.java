package inkstone.model.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import inkstone.loader.CheckpointException;
import inkstone.loader.Golden;
import inkstone.loader.json.Json;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Sizes against diffusers' and transformers' rules. */
class SizesParityTest {
  private static long[] row(Json json) throws CheckpointException {
    List<Json> items = json.items();
    long[] row = new long[items.size()];
    for (int i = 0; i < row.length; i++) {
      row[i] = items.get(i).asLong();
    }
    return row;
  }

  @Test
  void calculateDimensions() throws Exception {
    List<Json> rows = Golden.json("sizes.json").get("calculate_dimensions").get("rows").items();
    assertThat(rows).hasSizeGreaterThan(500);
    for (Json json : rows) {
      long[] r = row(json);
      double ratio = (double) r[1] / r[2];
      if (r[3] == 0 || r[4] == 0) {
        // diffusers goes on with an empty picture and fails in PIL.
        assertThatThrownBy(() -> Sizes.calculateDimensions(r[0], ratio))
            .isInstanceOf(IllegalArgumentException.class)
            .hasMessageContaining("aspect ratio");
      } else {
        assertThat(Sizes.calculateDimensions(r[0], ratio))
            .as(json.toString())
            .isEqualTo(new Size((int) r[3], (int) r[4]));
      }
    }
  }

  @Test
  void smartResize() throws Exception {
    Json golden = Golden.json("sizes.json").get("smart_resize");
    assertThat(golden.get("rows").items()).hasSizeGreaterThan(200);
    for (Json json : golden.get("rows").items()) {
      long[] r = row(json);
      assertThat(Sizes.smartResize((int) r[0], (int) r[1], (int) r[2], r[3], r[4]))
          .as(json.toString())
          .isEqualTo(new Size((int) r[6], (int) r[5]));
    }
    for (Json json : golden.get("refused").items()) {
      long[] r = row(json);
      assertThatThrownBy(() -> Sizes.smartResize((int) r[0], (int) r[1], 28, 3136, 12845056))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("aspect ratio, expected at most 200")
          .hasMessageContaining("crop the picture");
    }
  }
}
