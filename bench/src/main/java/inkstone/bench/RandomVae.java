package inkstone.bench;

import inkstone.loader.TensorSource;
import inkstone.memory.TensorArena;
import inkstone.tensor.DType;
import inkstone.tensor.Shape;
import inkstone.tensor.Tensor;
import java.util.Collections;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;

/**
 * A checkpoint of AutoencoderKLQwenImage at the published widths, in BF16 and under the published
 * names. Weights are random, of the size that keeps activations near one; the temporal convolutions
 * that one frame never reaches are left out.
 */
final class RandomVae implements TensorSource {
  private static final int BASE = 96;
  private static final int LATENT = 16;
  private static final int[] ENCODER = {BASE, BASE, 2 * BASE, 4 * BASE, 4 * BASE};
  private static final int[] DECODER = {4 * BASE, 4 * BASE, 4 * BASE, 2 * BASE, BASE};

  private final TensorArena arena;
  private final SplittableRandom random = new SplittableRandom(7);
  private final Map<String, Tensor> tensors = new TreeMap<>();

  RandomVae(TensorArena arena) {
    this.arena = arena;
    encoder();
    decoder();
  }

  private void encoder() {
    conv("encoder.conv_in", BASE, 3, 3, 3, 3);
    int block = 0;
    for (int stage = 0; stage < 4; stage++) {
      for (int i = 0; i < 2; i++) {
        int in = i == 0 ? ENCODER[stage] : ENCODER[stage + 1];
        resnet("encoder.down_blocks." + block++, in, ENCODER[stage + 1]);
      }
      if (stage < 3) {
        int width = ENCODER[stage + 1];
        conv("encoder.down_blocks." + block++ + ".resample.1", width, width, 3, 3);
      }
    }
    middle("encoder", ENCODER[4], 2 * LATENT);
    conv("quant_conv", 2 * LATENT, 2 * LATENT, 1, 1, 1);
  }

  private void decoder() {
    conv("post_quant_conv", LATENT, LATENT, 1, 1, 1);
    conv("decoder.conv_in", DECODER[0], LATENT, 3, 3, 3);
    for (int stage = 0; stage < 4; stage++) {
      String key = "decoder.up_blocks." + stage;
      int width = DECODER[stage + 1];
      for (int i = 0; i < 3; i++) {
        int in = i > 0 ? width : stage == 0 ? DECODER[0] : DECODER[stage] / 2;
        resnet(key + ".resnets." + i, in, width);
      }
      if (stage < 3) {
        conv(key + ".upsamplers.0.resample.1", width / 2, width, 3, 3);
      }
    }
    middle("decoder", DECODER[0], 0);
    vector("decoder.norm_out.gamma", BASE, 1, 1, 1);
    conv("decoder.conv_out", 3, BASE, 3, 3, 3);
  }

  /** The block at the smallest size and, in the encoder, what follows it. */
  private void middle(String key, int width, int out) {
    resnet(key + ".mid_block.resnets.0", width, width);
    resnet(key + ".mid_block.resnets.1", width, width);
    vector(key + ".mid_block.attentions.0.norm.gamma", width, 1, 1);
    conv(key + ".mid_block.attentions.0.to_qkv", 3 * width, width, 1, 1);
    conv(key + ".mid_block.attentions.0.proj", width, width, 1, 1);
    if (out > 0) {
      vector(key + ".norm_out.gamma", width, 1, 1, 1);
      conv(key + ".conv_out", out, width, 3, 3, 3);
    }
  }

  private void resnet(String key, int in, int out) {
    vector(key + ".norm1.gamma", in, 1, 1, 1);
    conv(key + ".conv1", out, in, 3, 3, 3);
    vector(key + ".norm2.gamma", out, 1, 1, 1);
    conv(key + ".conv2", out, out, 3, 3, 3);
    if (in != out) {
      conv(key + ".conv_shortcut", out, in, 1, 1, 1);
    }
  }

  private void conv(String key, long... shape) {
    long taps = shape[1] * shape[shape.length - 1] * shape[shape.length - 2];
    fill(key + ".weight", Math.sqrt(3.0 / taps), shape);
    fill(key + ".bias", 0.1, shape[0]);
  }

  private void vector(String key, long... shape) {
    fill(key, 1, shape);
  }

  private void fill(String name, double range, long... shape) {
    Tensor tensor = Tensor.allocate(arena, name, DType.BF16, Shape.of(shape));
    for (long i = 0; i < tensor.elements(); i++) {
      tensor.setFloat(i, (float) random.nextDouble(-range, range));
    }
    tensors.put(name, tensor);
  }

  @Override
  public Set<String> names() {
    return Collections.unmodifiableSet(tensors.keySet());
  }

  @Override
  public Tensor tensor(String name) {
    Tensor tensor = tensors.get(name);
    if (tensor == null) {
      throw new IllegalArgumentException(
          "RandomVae: tensor, expected one of " + names().size() + " names, got " + name);
    }
    return tensor;
  }

  @Override
  public String where(String name) {
    return "random weights";
  }

  @Override
  public Map<String, String> metadata() {
    return Map.of();
  }
}
