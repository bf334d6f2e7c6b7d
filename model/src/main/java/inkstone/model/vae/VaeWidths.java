package inkstone.model.vae;

import inkstone.loader.config.VaeConfig;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * The channel widths that a config asks for, stage by stage, and its compression. Refuses what the
 * network class of diffusers could not be built or run with.
 *
 * @param encoder widths before the first and after each stage of the encoder
 * @param decoder widths before the first and after each stage of the decoder, before upsampling
 * @param ratio pixels per latent pixel in each direction
 */
record VaeWidths(List<Integer> encoder, List<Integer> decoder, int ratio) {
  /** Ten stages are 512 pixels per latent pixel; no published model has more than four. */
  private static final int MAX_STAGES = 10;

  static VaeWidths of(VaeConfig config) {
    require("base_dim", config.baseDim() > 0, "1 or more", config.baseDim());
    require("z_dim", config.zDim() > 0, "1 or more", config.zDim());
    require("input_channels", config.inputChannels() > 0, "1 or more", config.inputChannels());
    require("num_res_blocks", config.numResBlocks() >= 0, "0 or more", config.numResBlocks());
    List<Integer> mult = config.dimMult();
    int stages = mult.size();
    require("dim_mult", stages >= 1 && stages <= MAX_STAGES, "1 to 10 factors", mult);
    require("dim_mult", mult.stream().allMatch(m -> m > 0), "positive factors", mult);
    List<Boolean> temporal = config.temperalDownsample();
    require(
        "temperal_downsample",
        temporal.size() == stages - 1,
        (stages - 1) + " values, one fewer than dim_mult",
        temporal);

    List<Integer> widths = new ArrayList<>();
    for (int factor : mult) {
      widths.add(Math.multiplyExact(config.baseDim(), factor));
    }
    List<Integer> encoder = new ArrayList<>(widths);
    encoder.addFirst(config.baseDim());
    List<Integer> decoder = new ArrayList<>(widths);
    decoder.add(widths.getLast());
    Collections.reverse(decoder);
    require(
        "num_res_blocks",
        config.numResBlocks() > 0 || encoder.stream().distinct().count() == 1,
        "1 or more, since dim_mult changes the width",
        config.numResBlocks());
    require(
        "base_dim",
        stages == 1 || Collections.min(widths) >= 2,
        "2 or more, since each upsampling halves the width",
        config.baseDim());
    return new VaeWidths(List.copyOf(encoder), List.copyOf(decoder), 1 << (stages - 1));
  }

  /** Number of stages; all but the last change the size. */
  int stages() {
    return encoder.size() - 1;
  }

  boolean last(int stage) {
    return stage == stages() - 1;
  }

  private static void require(String key, boolean ok, String expected, Object got) {
    if (!ok) {
      throw new IllegalArgumentException(
          "VaeConfig: "
              + key
              + ", expected "
              + expected
              + ", got "
              + got
              + "; correct vae/config.json or use the model's own");
    }
  }
}
