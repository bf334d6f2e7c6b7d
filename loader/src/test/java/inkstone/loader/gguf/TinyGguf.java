package inkstone.loader.gguf;

import inkstone.loader.Golden;
import inkstone.loader.Weights;
import inkstone.loader.json.Json;
import inkstone.memory.TensorArena;
import inkstone.tensor.Tensor;
import java.io.IOException;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The tiny model as GGUF files: metadata and names as gguf-py wrote them into the goldens, numbers
 * of the model's folder. What llama.cpp's converter does to a tensor is done here too.
 */
public final class TinyGguf {
  private static final Pattern NUMBERED =
      Pattern.compile("(.*(?:layers|blocks)\\.)([0-9]+)(\\..*)");

  private TinyGguf() {}

  /** The language model with its tokenizer, in F32, or as stored in the folder. */
  public static Path text(Path file, boolean f32) throws IOException {
    GgufBuilder builder = new GgufBuilder().metadataOf(Golden.path("gguf/text.gguf"));
    try (TensorArena arena = TensorArena.open("tiny")) {
      Weights weights = Weights.open(arena, Golden.tinyModel().resolve("text_encoder"));
      for (String name : weights.names()) {
        if (name.startsWith("model.")) {
          add(builder, stored("text", name), weights.read(name), f32);
        }
      }
    }
    return builder.write(file);
  }

  /** The vision tower, in F32, or as stored in the folder. */
  public static Path mmproj(Path file, boolean f32) throws IOException {
    GgufBuilder builder = new GgufBuilder().metadataOf(Golden.path("gguf/mmproj.gguf"));
    try (TensorArena arena = TensorArena.open("tiny")) {
      Weights weights = Weights.open(arena, Golden.tinyModel().resolve("text_encoder"));
      for (String name : weights.names()) {
        Tensor tensor = weights.read(name);
        if (name.contains(".attn.qkv.")) {
          long rows = tensor.dim(0) / 3;
          for (int third = 0; third < 3; third++) {
            String one = name.replace(".qkv.", "." + "qkv".charAt(third) + ".");
            Tensor part = tensor.rows(third * rows, (third + 1) * rows);
            add(builder, stored("vision", one), part, f32);
          }
        } else if (name.equals("visual.patch_embed.proj.weight")) {
          for (int frame = 0; frame < 2; frame++) {
            String suffix = frame == 0 ? "" : ".1";
            add(builder, stored("vision", name) + suffix, frame(arena, tensor, frame), true);
          }
        } else if (name.startsWith("visual.")) {
          add(builder, stored("vision", name), tensor, f32);
        }
      }
    }
    return builder.write(file);
  }

  /** The reference's name; the golden has those of layer 0 for every layer. */
  private static String stored(String part, String name) throws IOException {
    Matcher numbered = NUMBERED.matcher(name);
    Json names = Golden.json("gguf/names.json").get(part);
    if (!numbered.matches()) {
      return names.get(name).asString();
    }
    String first = names.get(numbered.group(1) + "0" + numbered.group(3)).asString();
    return first.replace("blk.0.", "blk." + numbered.group(2) + ".");
  }

  /** The diffusion transformer, as ComfyUI-GGUF's converter writes it: names of diffusers. */
  public static Path transformer(Path file) throws IOException {
    GgufBuilder builder = new GgufBuilder().string("general.architecture", "qwen_image");
    try (TensorArena arena = TensorArena.open("tiny")) {
      Weights weights = Weights.open(arena, Golden.tinyModel().resolve("transformer"));
      for (String name : weights.names()) {
        Tensor tensor = weights.read(name);
        add(builder, name, tensor, tensor.rank() < 2);
      }
    }
    return builder.write(file);
  }

  private static void add(GgufBuilder builder, String name, Tensor tensor, boolean f32) {
    if (f32) {
      builder.widened(name, tensor);
    } else {
      builder.stored(name, tensor);
    }
  }

  /** [hidden, channels, 2, side, side] to [hidden, channels, side, side] in F32. */
  private static Tensor frame(TensorArena arena, Tensor patches, int frame) {
    long planes = patches.dim(0) * patches.dim(1);
    long plane = patches.dim(3) * patches.dim(4);
    float[] values = new float[Math.toIntExact(planes * plane)];
    for (int i = 0; i < values.length; i++) {
      values[i] = patches.getFloat((i / plane * 2 + frame) * plane + i % plane);
    }
    return Tensor.of(
        arena, "frame", values, patches.dim(0), patches.dim(1), patches.dim(3), patches.dim(4));
  }
}
