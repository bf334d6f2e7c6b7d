package inkstone.model.convert;

import inkstone.loader.CheckpointException;
import inkstone.loader.form.PartKind;
import inkstone.loader.write.GgufFields;
import inkstone.tensor.DType;

/**
 * What a GGUF file of a picture network says about itself, as ComfyUI-GGUF ({@code
 * tools/convert.py}) writes it; and the network's config.json under a key of our own.
 */
final class GgufHeader {
  /** Of ggml's block types. */
  private static final int QUANTIZATION_VERSION = 2;

  private GgufHeader() {}

  /** What a file begins with: all that the source says, when that is GGUF too. */
  static GgufFields of(Input input) throws CheckpointException {
    if (input.metadata() != null && !input.metadata().architecture().isEmpty()) {
      GgufFields fields = new GgufFields();
      for (String key : input.metadata().keys()) {
        if (!key.startsWith("split.")) {
          fields.copy(key, input.metadata().stored(key));
        }
      }
      return fields;
    }
    if (input.kind() != PartKind.TRANSFORMER && input.kind() != PartKind.VAE) {
      throw CheckpointException.of(
          "convert: GGUF, expected the transformer, the text encoder or the VAE of Qwen-Image, got"
              + " other tensors",
          CheckpointException.quote(input.path()),
          "write safetensors");
    }
    boolean vae = input.kind() == PartKind.VAE;
    return new GgufFields().string("general.architecture", vae ? "qwen_image_vae" : "qwen_image");
  }

  /**
   * @param mostly the type that most elements have
   * @param config text of config.json, or null
   */
  static GgufFields finish(GgufFields fields, DType mostly, String config) {
    fields.whole("general.quantization_version", QUANTIZATION_VERSION);
    fields.whole("general.file_type", fileType(mostly));
    return config == null ? fields : fields.string(ConfigText.GGUF_KEY, config);
  }

  /** llama.cpp's number of "mostly this type". */
  private static int fileType(DType type) {
    return switch (type) {
      case F16 -> 1;
      case Q4_0 -> 2;
      case Q4_1 -> 3;
      case Q8_0 -> 7;
      case Q5_0 -> 8;
      case Q5_1 -> 9;
      case Q4_K -> 14;
      case Q5_K -> 16;
      case Q6_K -> 18;
      case BF16 -> 32;
      default -> 0;
    };
  }
}
