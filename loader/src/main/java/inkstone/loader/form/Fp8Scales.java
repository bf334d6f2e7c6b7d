package inkstone.loader.form;

import inkstone.loader.CheckpointException;
import inkstone.loader.TensorSource;
import inkstone.loader.json.Json;
import inkstone.tensor.DType;
import inkstone.tensor.Tensor;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;

/**
 * ComfyUI's scaled FP8: beside {@code layer.weight} lies its factor, as {@code layer.scale_weight}
 * with the marker {@code scaled_fp8} (older files) or as {@code layer.weight_scale} with {@code
 * layer.comfy_quant}, a JSON text in bytes, or {@code _quantization_metadata} (newer ones); see
 * QUANTIZATION.md and {@code convert_old_quants} of its {@code comfy/utils.py}. Factors of
 * activations are left out: here activations stay in float32.
 */
final class Fp8Scales {
  private static final String WEIGHT = ".weight";
  private static final Set<String> FORMATS = Set.of("float8_e4m3fn", "float8_e5m2");
  private static final int MAX_NOTE_BYTES = 4096;
  private static final String NEXT = "use the FP8, BF16 or GGUF file of this model";

  private final TensorSource source;
  private final Map<String, Float> scales = new HashMap<>();

  private Fp8Scales(TensorSource source) {
    this.source = source;
  }

  /** Factors by the stored names of the weights. */
  static Map<String, Float> of(TensorSource source) throws CheckpointException {
    Fp8Scales read = new Fp8Scales(source);
    read.checkMetadata();
    for (String name : source.names()) {
      if (name.endsWith(".scale_weight") || name.endsWith(".weight_scale")) {
        read.scale(name, name.substring(0, name.lastIndexOf('.')) + WEIGHT);
      } else if (name.endsWith(".weight_scale_2") || name.endsWith(".pre_quant_scale")) {
        throw read.refused(name, "a scale of its kind");
      } else if (name.endsWith(".comfy_quant")) {
        read.checkNote(name);
      }
    }
    return read.scales;
  }

  /** Whether a tensor only says how others are stored. */
  static boolean isNote(String name) {
    return name.endsWith(".scale_weight")
        || name.endsWith(".weight_scale")
        || name.endsWith(".scale_input")
        || name.endsWith(".input_scale")
        || name.endsWith(".comfy_quant")
        || name.equals("scaled_fp8")
        || name.endsWith(".scaled_fp8");
  }

  private void scale(String name, String weight) throws CheckpointException {
    Tensor scale = source.tensor(name);
    boolean number =
        scale.dtype() == DType.F32 || scale.dtype() == DType.F16 || scale.dtype() == DType.BF16;
    if (scale.elements() != 1 || !number) {
      throw CheckpointException.of(
          "weights: scale "
              + CheckpointException.quote(name)
              + ", expected one F32 number for the whole tensor, got "
              + scale.dtype()
              + scale.shape(),
          source.where(name),
          "scales by row or block are not read: " + NEXT);
    }
    float value = scale.getFloat(0);
    if (!Float.isFinite(value)) {
      throw CheckpointException.of(
          "weights: scale " + CheckpointException.quote(name) + ", expected a number, got " + value,
          source.where(name),
          "the file is damaged: download it again");
    }
    // Some writers leave a scale beside a layer that they dropped.
    if (source.names().contains(weight)) {
      DType dtype = source.tensor(weight).dtype();
      if (dtype == DType.I8 || dtype == DType.U8) {
        throw refused(weight, dtype + " with a scale");
      }
      scales.put(weight, value);
    }
  }

  private void checkNote(String name) throws CheckpointException {
    Tensor note = source.tensor(name);
    long bytes = note.segment().byteSize();
    if (note.dtype() != DType.U8 || bytes > MAX_NOTE_BYTES) {
      throw refused(name, "an unknown note");
    }
    byte[] text = note.segment().toArray(ValueLayout.JAVA_BYTE);
    requireFormat(Json.parse(new String(text, StandardCharsets.UTF_8), source.where(name)), name);
  }

  private void checkMetadata() throws CheckpointException {
    String text = source.metadata().get("_quantization_metadata");
    if (text == null) {
      return;
    }
    Json layers = Json.parse(text, source.where("") + ", _quantization_metadata").get("layers");
    for (Map.Entry<String, Json> layer : layers.fields().entrySet()) {
      requireFormat(layer.getValue(), layer.getKey());
    }
  }

  private void requireFormat(Json layer, String name) throws CheckpointException {
    String format = layer.string("format", "");
    if (!FORMATS.contains(format)) {
      throw refused(name, CheckpointException.quote(format));
    }
  }

  private CheckpointException refused(String name, String got) {
    return CheckpointException.of(
        "weights: storage of "
            + CheckpointException.quote(name)
            + ", expected ComfyUI's float8_e4m3fn or float8_e5m2 with one scale a tensor, got "
            + got,
        source.where(name),
        NEXT);
  }
}
