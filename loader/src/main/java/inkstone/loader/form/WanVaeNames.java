package inkstone.loader.form;

import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The names that Wan's own code gives the tensors of the VAE, as ComfyUI's {@code
 * qwen_image_vae.safetensors} has them, in diffusers' spelling: {@code
 * convert_wan_vae_to_diffusers} of its {@code single_file_utils.py}. Where that counts on two
 * residual blocks a stage, here an upsampling ends a stage, so that any depth is read.
 */
final class WanVaeNames {
  private static final Pattern MIDDLE =
      Pattern.compile("(encoder|decoder)\\.middle\\.([012])\\.(.+)");
  private static final Pattern DOWN = Pattern.compile("encoder\\.downsamples\\.(\\d{1,4})\\.(.+)");
  private static final Pattern UP = Pattern.compile("decoder\\.upsamples\\.(\\d{1,4})\\.(.+)");

  private static final Map<String, String> RESIDUAL =
      Map.of(
          "residual.0.", "norm1.",
          "residual.2.", "conv1.",
          "residual.3.", "norm2.",
          "residual.6.", "conv2.",
          "shortcut.", "conv_shortcut.");

  private static final Map<String, String> ENDS =
      Map.of(
          "conv1.", "quant_conv.",
          "conv2.", "post_quant_conv.",
          "encoder.conv1.", "encoder.conv_in.",
          "decoder.conv1.", "decoder.conv_in.",
          "encoder.head.0.", "encoder.norm_out.",
          "encoder.head.2.", "encoder.conv_out.",
          "decoder.head.0.", "decoder.norm_out.",
          "decoder.head.2.", "decoder.conv_out.");

  private final Map<Integer, String> upBlocks = new HashMap<>();

  private WanVaeNames(Set<String> stored) {
    placeUpBlocks(stored);
  }

  /** Whether these are Wan's own names. */
  static boolean uses(Set<String> stored) {
    return stored.contains("decoder.middle.0.residual.0.gamma");
  }

  /** Stored names by diffusers' names; a name that Wan's code does not have keeps itself. */
  static Map<String, String> of(Set<String> stored) {
    WanVaeNames names = new WanVaeNames(stored);
    Map<String, String> byName = new TreeMap<>();
    stored.forEach(name -> byName.put(names.rename(name), name));
    return byName;
  }

  /** One flat list of residual blocks and upsamplings there, stages with both here. */
  private void placeUpBlocks(Set<String> stored) {
    TreeSet<Integer> blocks = new TreeSet<>();
    TreeSet<Integer> upsamplings = new TreeSet<>();
    for (String name : stored) {
      Matcher up = UP.matcher(name);
      if (up.matches()) {
        blocks.add(Integer.valueOf(up.group(1)));
        if (up.group(2).startsWith("resample.")) {
          upsamplings.add(Integer.valueOf(up.group(1)));
        }
      }
    }
    int stage = 0;
    int resnet = 0;
    for (int block : blocks) {
      if (upsamplings.contains(block)) {
        upBlocks.put(block, "decoder.up_blocks." + stage + ".upsamplers.0.");
        stage++;
        resnet = 0;
      } else {
        upBlocks.put(block, "decoder.up_blocks." + stage + ".resnets." + resnet + ".");
        resnet++;
      }
    }
  }

  private String rename(String name) {
    Matcher middle = MIDDLE.matcher(name);
    if (middle.matches()) {
      String block =
          switch (middle.group(2)) {
            case "0" -> "resnets.0.";
            case "1" -> "attentions.0.";
            default -> "resnets.1.";
          };
      return middle.group(1) + ".mid_block." + block + renamedStart(middle.group(3), RESIDUAL);
    }
    Matcher down = DOWN.matcher(name);
    if (down.matches()) {
      return "encoder.down_blocks." + down.group(1) + "." + renamedStart(down.group(2), RESIDUAL);
    }
    Matcher up = UP.matcher(name);
    if (up.matches()) {
      return upBlocks.get(Integer.valueOf(up.group(1))) + renamedStart(up.group(2), RESIDUAL);
    }
    return renamedStart(name, ENDS);
  }

  private static String renamedStart(String name, Map<String, String> starts) {
    for (Map.Entry<String, String> start : starts.entrySet()) {
      if (name.startsWith(start.getKey())) {
        return start.getValue() + name.substring(start.getKey().length());
      }
    }
    return name;
  }
}
