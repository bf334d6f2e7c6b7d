package inkstone.model.lora;

import inkstone.loader.Golden;
import inkstone.loader.config.TransformerConfig;
import inkstone.loader.safetensors.SafetensorsWriter;
import inkstone.tensor.Tensor;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import java.util.function.UnaryOperator;

/** Makes LoRA files for tests. */
public final class LoraFiles {
  private static final String DOWN = ".lora_A.weight";
  private static final String PREFIX = "transformer.";

  private LoraFiles() {}

  /** Factors of one layer. */
  public record Pair(Tensor down, Tensor up) {}

  /** Layers of {@code lora/a} by their paths, which live as long as the golden. */
  public static Map<String, Pair> of(Golden golden) {
    Map<String, Pair> pairs = new LinkedHashMap<>();
    for (String name : golden.names()) {
      if (name.endsWith(DOWN)) {
        String module = name.substring(0, name.length() - DOWN.length());
        pairs.put(
            module.substring(PREFIX.length()),
            new Pair(golden.tensor(name), golden.tensor(module + ".lora_B.weight")));
      }
    }
    return pairs;
  }

  /** The same file in another spelling. */
  public static SafetensorsWriter spelled(
      Map<String, Pair> pairs, UnaryOperator<String> module, String down, String up) {
    SafetensorsWriter writer = new SafetensorsWriter();
    pairs.forEach((path, pair) -> {
      Tensor a = pair.down();
      Tensor b = pair.up();
      writer.f32(module.apply(path) + down, a.toFloatArray(), a.shape().toArray());
      writer.f32(module.apply(path) + up, b.toFloatArray(), b.shape().toArray());
    });
    return writer;
  }

  /** A LoRA for every layer, with the same rank for all. */
  public static SafetensorsWriter everyLayer(TransformerConfig config, int rank, int seed)
      throws IOException {
    Random random = new Random(seed);
    SafetensorsWriter writer = new SafetensorsWriter();
    LinearLayers.of(config)
        .forEach((path, size) -> {
          writer.f32(path + DOWN, random(random, rank, size.in(), 0.2), rank, size.in());
          writer.f32(
              path + ".lora_B.weight", random(random, size.out(), rank, 0.5), size.out(), rank);
        });
    return writer;
  }

  public static float[] random(Random random, long rows, long columns, double scale) {
    float[] values = new float[Math.toIntExact(rows * columns)];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) (scale * random.nextGaussian());
    }
    return values;
  }
}
