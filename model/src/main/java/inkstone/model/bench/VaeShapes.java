package inkstone.model.bench;

import inkstone.loader.config.VaeConfig;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Names and shapes of the tensors of one half of an AutoencoderKLQwenImage, and the operations that
 * they mean for one frame. Temporal convolutions are left out: one frame never reaches them.
 */
public final class VaeShapes {
  private final VaeConfig config;
  private final Map<String, long[]> shapes = new LinkedHashMap<>();
  private double pixels;
  private double flop;

  private VaeShapes(VaeConfig config) {
    this.config = config;
  }

  /**
   * The decoder of a square picture.
   *
   * @param side pixels along one side of the picture
   */
  public static VaeShapes decoder(VaeConfig config, int side) {
    return decoder(config, side, side);
  }

  /** The decoder of a picture of that size in pixels. */
  public static VaeShapes decoder(VaeConfig config, int height, int width) {
    VaeShapes all = new VaeShapes(config);
    int z = config.zDim();
    int channels = all.width(config.dimMult().size() - 1);
    int ratio = config.spatialCompression();
    all.pixels = (double) height / ratio * width / ratio;
    all.causal("post_quant_conv", z, z, 1);
    all.causal("decoder.conv_in", z, channels, 3);
    all.mid("decoder.mid_block", channels);
    for (int stage = 0; stage < config.dimMult().size(); stage++) {
      boolean last = stage == config.dimMult().size() - 1;
      int out = all.width(config.dimMult().size() - 1 - stage);
      int in = stage == 0 ? out : channels / 2; // an upsampling halves the channels
      String at = "decoder.up_blocks." + stage + ".";
      for (int i = 0; i <= config.numResBlocks(); i++) {
        all.residual(at + "resnets." + i, i == 0 ? in : out, out);
      }
      if (!last) {
        all.pixels *= 4;
        all.spatial(at + "upsamplers.0.resample.1", out, out / 2, 3);
      }
      channels = out;
    }
    all.norm("decoder.norm_out", channels, 3);
    all.causal("decoder.conv_out", channels, config.inputChannels(), 3);
    return all;
  }

  /** The encoder of a square picture. */
  public static VaeShapes encoder(VaeConfig config, int side) {
    return encoder(config, side, side);
  }

  /** The encoder of a picture of that size in pixels. */
  public static VaeShapes encoder(VaeConfig config, int height, int width) {
    VaeShapes all = new VaeShapes(config);
    int channels = config.baseDim();
    all.pixels = (double) height * width;
    all.causal("encoder.conv_in", config.inputChannels(), channels, 3);
    int block = 0;
    for (int stage = 0; stage < config.dimMult().size(); stage++) {
      int out = all.width(stage);
      for (int i = 0; i < config.numResBlocks(); i++) {
        all.residual("encoder.down_blocks." + block++, i == 0 ? channels : out, out);
      }
      if (stage < config.dimMult().size() - 1) {
        all.pixels /= 4;
        all.spatial("encoder.down_blocks." + block++ + ".resample.1", out, out, 3);
      }
      channels = out;
    }
    all.mid("encoder.mid_block", channels);
    all.norm("encoder.norm_out", channels, 3);
    all.causal("encoder.conv_out", channels, 2 * config.zDim(), 3);
    all.causal("quant_conv", 2 * config.zDim(), 2 * config.zDim(), 1);
    return all;
  }

  /** Shape of each tensor by its name. */
  public Map<String, long[]> shapes() {
    return shapes;
  }

  /** Additions and multiplications. */
  public double flop() {
    return flop;
  }

  private int width(int stage) {
    return config.baseDim() * config.dimMult().get(stage);
  }

  private void mid(String at, int channels) {
    residual(at + ".resnets.0", channels, channels);
    norm(at + ".attentions.0.norm", channels, 2);
    spatial(at + ".attentions.0.to_qkv", channels, 3 * channels, 1);
    spatial(at + ".attentions.0.proj", channels, channels, 1);
    flop += 4 * pixels * pixels * channels;
    residual(at + ".resnets.1", channels, channels);
  }

  private void residual(String at, int in, int out) {
    norm(at + ".norm1", in, 3);
    causal(at + ".conv1", in, out, 3);
    norm(at + ".norm2", out, 3);
    causal(at + ".conv2", out, out, 3);
    if (in != out) {
      causal(at + ".conv_shortcut", in, out, 1);
    }
  }

  private void norm(String at, int channels, int axes) {
    shapes.put(
        at + ".gamma", axes == 3 ? new long[] {channels, 1, 1, 1} : new long[] {channels, 1, 1});
  }

  private void causal(String at, int in, int out, int kernel) {
    convolution(at, in, out, kernel, List.of(kernel, kernel, kernel));
  }

  private void spatial(String at, int in, int out, int kernel) {
    convolution(at, in, out, kernel, List.of(kernel, kernel));
  }

  private void convolution(String at, int in, int out, int kernel, List<Integer> kernelDims) {
    long[] dims = new long[2 + kernelDims.size()];
    dims[0] = out;
    dims[1] = in;
    for (int i = 0; i < kernelDims.size(); i++) {
      dims[2 + i] = kernelDims.get(i);
    }
    shapes.put(at + ".weight", dims);
    shapes.put(at + ".bias", new long[] {out});
    flop +=
        2.0 * pixels * in * out * kernel * kernel; // of three frames of taps one meets the frame
  }
}
