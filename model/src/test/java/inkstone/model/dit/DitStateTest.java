package inkstone.model.dit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import inkstone.loader.config.TransformerConfig;
import inkstone.memory.TensorArena;
import inkstone.model.lora.LoraNeeds;
import java.util.List;
import org.junit.jupiter.api.Test;

class DitStateTest {
  private static final TransformerConfig CONFIG = RandomTransformer.CONFIG;
  private static final AxialRope ROPE = new AxialRope(CONFIG.axesDimsRope());

  @Test
  void predictedBytesAreTheArenasBytes() {
    List<List<LatentGrid>> runs =
        List.of(
            List.of(new LatentGrid(8, 8)),
            List.of(new LatentGrid(1, 1), new LatentGrid(7, 3)),
            List.of(new LatentGrid(4, 6), new LatentGrid(5, 5), new LatentGrid(2, 9)));
    for (boolean zeroCondT : new boolean[] {true, false}) {
      TransformerConfig config = RandomTransformer.config(2, zeroCondT, false);
      for (List<LatentGrid> images : runs) {
        for (int text : new int[] {1, 20, 77}) {
          try (TensorArena arena = TensorArena.open("state")) {
            DitState state = new DitState(arena, config, LoraNeeds.NONE, ROPE, text, images);
            assertThat(arena.allocatedBytes())
                .isEqualTo(DitState.bytes(config, LoraNeeds.NONE, text, images));
            assertThat(state.images()).isEqualTo(images);
          }
        }
      }
    }
  }

  @Test
  void bytesOfAHugeSequenceAreCountedInLong() {
    List<LatentGrid> images = List.of(new LatentGrid(4000, 4000), new LatentGrid(4000, 4000));
    assertThat(DitState.bytes(CONFIG, LoraNeeds.NONE, 1, images))
        .isGreaterThan(32_000_000L * 24 * 6 * 4);
  }

  @Test
  void rowsAreTextThenTargetThenReferencesInOrder() {
    try (TensorArena arena = TensorArena.open("state")) {
      DitState state =
          new DitState(
              arena,
              CONFIG,
              LoraNeeds.NONE,
              ROPE,
              5,
              List.of(new LatentGrid(2, 3), new LatentGrid(4, 1), new LatentGrid(1, 1)));
      assertThat(state.textRows()).isEqualTo(new DitState.Rows(0, 5));
      assertThat(state.targetRows()).isEqualTo(new DitState.Rows(5, 11));
      assertThat(state.imageRows(0)).isEqualTo(new DitState.Rows(5, 11));
      assertThat(state.imageRows(1)).isEqualTo(new DitState.Rows(11, 15));
      assertThat(state.imageRows(2)).isEqualTo(new DitState.Rows(15, 16));
      assertThat(state.allImageRows()).isEqualTo(new DitState.Rows(5, 16));
      assertThat(state.key.shape().toArray()).containsExactly(16, 2, 12);
      assertThat(state.value.segment().address() - state.key.segment().address())
          .isEqualTo(16 * 24 * 4);
      assertThat(state.everything().spans()).hasSize(3);
    }
  }

  @Test
  void everyRowIsInExactlyOneSpan() {
    List<LatentGrid> one = List.of(new LatentGrid(2, 3));
    List<LatentGrid> two = List.of(new LatentGrid(2, 3), new LatentGrid(4, 1));
    assertSpanRows(RandomTransformer.config(1, true, false), one, 5, 6);
    assertSpanRows(RandomTransformer.config(1, true, false), two, 5, 6, 4);
    assertSpanRows(RandomTransformer.config(1, false, false), one, 5, 6);
    assertSpanRows(RandomTransformer.config(1, false, false), two, 5, 10);
  }

  private static void assertSpanRows(
      TransformerConfig config, List<LatentGrid> images, long... rows) {
    try (TensorArena arena = TensorArena.open("state")) {
      DitState state = new DitState(arena, config, LoraNeeds.NONE, ROPE, 5, images);
      assertThat(
              state.everything().spans().stream().mapToLong(span -> span.hidden().dim(0)).toArray())
          .containsExactly(rows);
      assertThat(
              state.everything().spans().stream().mapToLong(span -> span.normed().dim(0)).toArray())
          .containsExactly(rows);
    }
  }

  @Test
  void whatCannotBeASequenceIsRefused() {
    List<LatentGrid> target = List.of(new LatentGrid(2, 2));
    assertThatThrownBy(() -> DitState.bytes(CONFIG, LoraNeeds.NONE, 0, target))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "DitState: text tokens, expected 1 or more, got 0; encode the prompt with its template,"
                + " even when it is empty");
    assertThatThrownBy(() -> DitState.bytes(CONFIG, LoraNeeds.NONE, 3, List.of()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "DitState: images, expected the target and then its references, got none; name the"
                + " target's size first");
    assertThatThrownBy(() -> DitState.bytes(CONFIG, LoraNeeds.NONE, 4096, target))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("shorten the prompt");
  }

  @Test
  void aStateBeyondTheArenasLimitIsRefusedAndFreed() {
    List<LatentGrid> images = List.of(new LatentGrid(8, 8));
    long bytes = DitState.bytes(CONFIG, LoraNeeds.NONE, 4, images);
    try (TensorArena root = TensorArena.open("root", bytes - 1)) {
      TensorArena child = root.child("state");
      assertThatThrownBy(() -> new DitState(child, CONFIG, LoraNeeds.NONE, ROPE, 4, images))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("is limited to " + (bytes - 1) + " bytes");
      child.close();
      assertThat(root.allocatedBytes()).isZero();
    }
  }
}
