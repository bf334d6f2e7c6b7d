package inkstone.loader;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import inkstone.loader.json.Json;
import inkstone.number.BFloat16;
import inkstone.number.GgufQuantizer;
import inkstone.tensor.DType;
import inkstone.tensor.Shape;
import inkstone.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.assertj.core.data.Percentage;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The quantisers beside gguf-py's, bit for bit, and beside ggml's, by their error. */
final class GgufQuantizerParityTest {
  private static final Map<DType, Supplier<GgufQuantizer>> SIMPLE = new LinkedHashMap<>();
  private static final Map<DType, Supplier<GgufQuantizer>> K = new LinkedHashMap<>();

  static {
    SIMPLE.put(DType.Q8_0, GgufQuantizer::q8);
    SIMPLE.put(DType.Q4_0, GgufQuantizer::q4);
    SIMPLE.put(DType.Q4_1, GgufQuantizer::q4m);
    SIMPLE.put(DType.Q5_0, GgufQuantizer::q5);
    SIMPLE.put(DType.Q5_1, GgufQuantizer::q5m);
    K.put(DType.Q4_K, GgufQuantizer::q4k);
    K.put(DType.Q5_K, GgufQuantizer::q5k);
    K.put(DType.Q6_K, GgufQuantizer::q6k);
  }

  private Json golden;

  @BeforeEach
  void open() throws CheckpointException {
    golden = Golden.json("quantize.json");
  }

  @Test
  void simpleTypesHaveTheBytesOfGgufPy() throws Exception {
    int compared = 0;
    for (Json tensor : golden.get("tensors").items()) {
      float[] values = values(tensor);
      for (Map.Entry<DType, Supplier<GgufQuantizer>> type : SIMPLE.entrySet()) {
        byte[] bytes = quantize(type.getValue().get(), values);
        assertThat(sha256(bytes))
            .as("%s of %s", type.getKey(), name(tensor))
            .isEqualTo(sha(tensor, type.getKey().name()));
        assertThat(rmse(type.getKey(), values, bytes))
            .isCloseTo(tensor.get("rmse").get(type.getKey().name()).asDouble(0, 1), byOne());
        compared++;
      }
      ByteBuffer bf16 = ByteBuffer.allocate(values.length * 2).order(ByteOrder.LITTLE_ENDIAN);
      ByteBuffer f16 = ByteBuffer.allocate(values.length * 2).order(ByteOrder.LITTLE_ENDIAN);
      for (float value : values) {
        bf16.putShort(BFloat16.fromFloat(value));
        f16.putShort(Float.floatToFloat16(value));
      }
      assertThat(sha256(bf16.array())).isEqualTo(sha(tensor, "BF16"));
      assertThat(sha256(f16.array())).isEqualTo(sha(tensor, "F16"));
    }
    assertThat(compared).isEqualTo(12 * SIMPLE.size());
  }

  private static Percentage byOne() {
    return Percentage.withPercentage(1e-6);
  }

  @Test
  void edgesHaveTheBytesOfGgufPy() throws Exception {
    byte[] raw = HexFormat.of().parseHex(golden.get("edges").get("blocks").asString());
    float[] values = new float[raw.length / 4];
    ByteBuffer.wrap(raw).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().get(values);
    for (Map.Entry<DType, Supplier<GgufQuantizer>> type : SIMPLE.entrySet()) {
      String expected = golden.get("edges").get("bytes").get(type.getKey().name()).asString();
      byte[] bytes = quantize(type.getValue().get(), values);
      assertThat(HexFormat.of().formatHex(bytes)).as("%s", type.getKey()).isEqualTo(expected);
    }
  }

  @Test
  void kTypesAreAsGoodAsGgml() throws Exception {
    int compared = 0;
    for (Json tensor : golden.get("tensors").items()) {
      float[] values = values(tensor);
      for (Map.Entry<DType, Supplier<GgufQuantizer>> type : K.entrySet()) {
        if (!tensor.get("rmse").has(type.getKey().name())) {
          continue;
        }
        double reference = tensor.get("rmse").get(type.getKey().name()).asDouble(0, 1);
        double own = rmse(type.getKey(), values, quantize(type.getValue().get(), values));
        assertThat(own / reference)
            .as("%s of %s", type.getKey(), name(tensor))
            .isLessThanOrEqualTo(1.05);
        compared++;
      }
    }
    assertThat(compared).isGreaterThanOrEqualTo(30);
  }

  @ParameterizedTest
  @EnumSource(names = {"Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q4_K", "Q5_K", "Q6_K"})
  void zerosConstantsAndSubnormalsStayWhatTheyAre(DType type) {
    float[] values = new float[type.blockElements()];
    for (float value : read(type, quantize(quantizer(type), values))) {
      assertThat(value == 0).isTrue(); // of either sign
    }
    for (float constant : new float[] {0.75f, -0.75f, 0.05f}) {
      Arrays.fill(values, constant);
      for (float value : read(type, quantize(quantizer(type), values))) {
        assertThat(value).isCloseTo(constant, Percentage.withPercentage(1));
      }
    }
    for (float tiny : new float[] {Float.MIN_VALUE, -1e-40f, 1e-38f, -1e-12f}) {
      Arrays.fill(values, tiny);
      values[3] = -tiny;
      for (float value : read(type, quantize(quantizer(type), values))) {
        assertThat(value).isBetween(-1e-6f, 1e-6f);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(
      floats = {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY, 3e38f, -3e38f})
  void numbersThatDontFitAreRefused(float bad) {
    for (DType type :
        List.of(
            DType.Q8_0,
            DType.Q4_0,
            DType.Q4_1,
            DType.Q5_0,
            DType.Q5_1,
            DType.Q4_K,
            DType.Q5_K,
            DType.Q6_K)) {
      float[] values = new float[type.blockElements()];
      values[5] = bad;
      values[6] = -1;
      assertThatThrownBy(() -> quantize(quantizer(type), values))
          .as("%s", type)
          .isInstanceOf(ArithmeticException.class);
    }
  }

  private static GgufQuantizer quantizer(DType type) {
    return (SIMPLE.containsKey(type) ? SIMPLE : K).get(type).get();
  }

  private float[] values(Json tensor) throws CheckpointException {
    String name = name(tensor);
    if (tensor.get("source").asString().equals("drawn")) {
      int n = 1;
      for (Json dim : golden.get("shape").items()) {
        n *= dim.asInt(1, 100_000);
      }
      return DrawnTensors.draw(name, n, golden.get("seed").asLong());
    }
    try (Golden model =
        Golden.openFile(
            Golden.tinyModel().resolve("transformer/diffusion_pytorch_model.safetensors"))) {
      return model.floats(name);
    }
  }

  private static String name(Json tensor) throws CheckpointException {
    return tensor.get("name").asString();
  }

  private static String sha(Json tensor, String type) throws CheckpointException {
    return tensor.get("sha256").get(type).asString();
  }

  private static byte[] quantize(GgufQuantizer quantizer, float[] values) {
    int blocks = values.length / quantizer.elements();
    byte[] bytes = new byte[blocks * quantizer.bytes()];
    quantizer.quantize(values, 0, bytes, 0, blocks);
    return bytes;
  }

  private static float[] read(DType type, byte[] bytes) {
    long n = bytes.length / type.blockBytes() * (long) type.blockElements();
    return new Tensor("read", type, Shape.of(n), MemorySegment.ofArray(bytes)).toFloatArray();
  }

  private static double rmse(DType type, float[] values, byte[] bytes) {
    float[] read = read(type, bytes);
    double sum = 0;
    for (int i = 0; i < values.length; i++) {
      double difference = (double) values[i] - read[i];
      sum += difference * difference;
    }
    return Math.sqrt(sum / values.length);
  }

  private static String sha256(byte[] bytes) throws Exception {
    return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
  }
}
