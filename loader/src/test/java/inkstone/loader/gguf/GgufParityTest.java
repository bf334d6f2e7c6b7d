package inkstone.loader.gguf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import inkstone.loader.CheckpointException;
import inkstone.loader.Golden;
import inkstone.loader.json.Json;
import inkstone.memory.TensorArena;
import inkstone.tensor.DType;
import inkstone.tensor.Tensor;
import java.util.Arrays;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A file that gguf-py wrote: every type of value and of tensor, and its names of tensors. */
class GgufParityTest {
  private final TensorArena arena = TensorArena.open("test");
  private GgufFile file;
  private GgufMetadata metadata;

  @BeforeEach
  void open() throws CheckpointException {
    file = GgufFile.open(arena, Golden.path("gguf/types.gguf"));
    metadata = file.typed();
  }

  @AfterEach
  void close() {
    arena.close();
  }

  @Test
  void headerAndAlignment() throws CheckpointException {
    assertThat(file.header().version()).isEqualTo(3);
    assertThat(metadata.architecture()).isEqualTo("test");
    assertThat(metadata.whole("general.alignment")).isEqualTo(64);
    assertThat(file.header().dataOffset() % 64).isZero();
  }

  @Test
  void everyTensorHasTheReferencesNumbers() throws CheckpointException {
    try (Golden golden = Golden.open("gguf/types")) {
      assertThat(file.names()).isEqualTo(golden.names()).hasSize(21);
      for (String name : golden.names()) {
        Tensor expected = golden.tensor(name);
        Tensor got = file.tensor(name);
        assertThat(got.shape()).as(name).isEqualTo(expected.shape());
        if (expected.dtype() == DType.I64) {
          assertThat(got.dtype().name()).isEqualTo(name.substring("whole.".length()));
          for (int i = 0; i < expected.elements(); i++) {
            assertThat(got.getLong(i)).as(name).isEqualTo(expected.getLong(i));
          }
        } else {
          assertThat(bits(got.toFloatArray())).as(name).isEqualTo(bits(expected.toFloatArray()));
        }
        if (name.startsWith("blocks.")) {
          assertThat(got.dtype().name()).isEqualTo(name.substring("blocks.".length()));
        }
      }
    }
  }

  private static int[] bits(float[] values) {
    int[] bits = new int[values.length];
    for (int i = 0; i < bits.length; i++) {
      assertThat(values[i]).isFinite();
      bits[i] = Float.floatToRawIntBits(values[i]);
    }
    return bits;
  }

  @Test
  void everyWholeType() throws CheckpointException {
    whole("UINT8", 0, 255);
    whole("INT8", -128, 127);
    whole("UINT16", 0, 65_535);
    whole("INT16", -32_768, 32_767);
    whole("UINT32", 0, 4_294_967_295L);
    whole("INT32", Integer.MIN_VALUE, Integer.MAX_VALUE);
    whole("INT64", Long.MIN_VALUE, Long.MAX_VALUE);
    assertThat(metadata.whole("low.UINT64")).isZero();
    assertThatThrownBy(() -> metadata.whole("high.UINT64"))
        .hasMessageContaining("metadata \"high.UINT64\", expected a whole number")
        .hasMessageContaining("got 18446744073709551615");
    assertThat(metadata.number("high.UINT64")).isEqualTo(0x1p64);
    assertThatThrownBy(() -> metadata.wholes("array.UINT64", 3))
        .hasMessageContaining("expected numbers below 2^63, got 18446744073709551615");
  }

  private void whole(String type, long low, long high) throws CheckpointException {
    assertThat(metadata.whole("low." + type)).isEqualTo(low);
    assertThat(metadata.whole("high." + type)).isEqualTo(high);
    assertThat(metadata.number("high." + type)).isEqualTo(high);
    assertThat(metadata.wholes("array." + type, 3)).containsExactly(low, high, low);
    assertThat(file.metadata())
        .containsEntry("array." + type, Arrays.toString(new long[] {low, high, low}));
  }

  @Test
  void everyOtherType() throws CheckpointException {
    assertThat(metadata.number("low.FLOAT32")).isEqualTo(-0.5);
    assertThat((float) metadata.number("high.FLOAT32")).isEqualTo(1e-6f);
    assertThat(metadata.numbers("array.FLOAT32", 3)).containsExactly(-0.5, 1e-6f, -0.5);
    assertThat(metadata.numbers("array.FLOAT64", 3)).containsExactly(0.1, 1e300, 0.1);
    assertThat(metadata.number("high.FLOAT64")).isEqualTo(1e300);
    assertThat(metadata.flag("low.BOOL")).isFalse();
    assertThat(metadata.flag("high.BOOL")).isTrue();
    assertThat(metadata.string("low.STRING")).isEmpty();
    assertThat(metadata.string("high.STRING")).isEqualTo("Grüße, 世界 🖼");
    assertThat(metadata.strings("array.STRING")).containsExactly("", "Grüße, 世界 🖼", "");
    assertThat(metadata.wholes("long", 1000)).hasSize(1000).endsWith(999);
    assertThat(file.metadata())
        .containsEntry("high.FLOAT32", "1.0E-6")
        .containsEntry("array.BOOL", "[false, true, false]")
        .containsEntry("high.UINT64", "18446744073709551615")
        .containsEntry("array.STRING", "an array of 3 STRING")
        .containsEntry("long", "an array of 1000 U32");
  }

  @Test
  void aWrongTypeIsNamedWithTheKey() {
    assertThatThrownBy(() -> metadata.string("low.BOOL"))
        .isExactlyInstanceOf(CheckpointException.class)
        .hasMessageContaining("gguf: metadata \"low.BOOL\", expected a string, got BOOL (")
        .hasMessageContaining("types.gguf); use a file that was converted from this model");
    assertThatThrownBy(() -> metadata.flag("low.INT8"))
        .hasMessageContaining("expected a flag, got I8");
    assertThatThrownBy(() -> metadata.whole("low.FLOAT32"))
        .hasMessageContaining("expected a whole number from ");
    assertThatThrownBy(() -> metadata.number("low.STRING"))
        .hasMessageContaining("expected a number from ");
    assertThatThrownBy(() -> metadata.strings("array.INT8"))
        .hasMessageContaining("expected an array of strings, got an array of 3 I8");
    assertThatThrownBy(() -> metadata.wholes("array.BOOL", 3))
        .hasMessageContaining("expected an array of whole numbers, got an array of 3 BOOL");
    assertThatThrownBy(() -> metadata.numbers("array.STRING", 3))
        .hasMessageContaining("expected an array of numbers");
    assertThatThrownBy(() -> metadata.wholes("long", 999))
        .hasMessageContaining(
            "expected an array of at most 999 whole numbers, got an array of 1000 U32");
    assertThatThrownBy(() -> metadata.whole("none"))
        .hasMessageContaining("metadata \"none\", expected a whole number")
        .hasMessageContaining("got no such key");
    assertThatThrownBy(() -> metadata.number("low.FLOAT32", 0, 1))
        .hasMessageContaining("expected a number from 0.0 to 1.0, got -0.5");
  }

  @Test
  void namesAreThoseOfTheReference() throws CheckpointException {
    Json names = Golden.json("gguf/names.json");
    Map<String, Json> text = names.get("text").fields();
    assertThat(text).hasSize(39);
    for (Map.Entry<String, Json> entry : text.entrySet()) {
      assertThat(TextNames.stored(entry.getKey())).isEqualTo(entry.getValue().asString());
    }
    Map<String, Json> vision = names.get("vision").fields();
    assertThat(vision).hasSize(54);
    for (Map.Entry<String, Json> entry : vision.entrySet()) {
      assertThat(VisionNames.stored(entry.getKey())).isEqualTo(entry.getValue().asString());
    }
    for (String other :
        new String[] {
          "",
          "model.layers.",
          "model.layers.3",
          "model.layers.3.",
          "model.layers.3.mlp.x.weight",
          "visual.blocks.0.norm1",
          "model.language_model.norm.weight"
        }) {
      assertThat(TextNames.stored(other)).isEqualTo(other);
      assertThat(VisionNames.stored(other)).isEqualTo(other);
    }
  }
}
