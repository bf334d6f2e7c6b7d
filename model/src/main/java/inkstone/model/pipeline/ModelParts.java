package inkstone.model.pipeline;

import inkstone.loader.config.PipelineConfig;
import inkstone.loader.config.TextEncoderConfig;
import inkstone.loader.config.TransformerConfig;
import inkstone.loader.config.VaeConfig;
import inkstone.model.text.QwenTokenizer;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * What a model consists of: where each part lies and how it is built.
 *
 * @param noEdits why the model can't edit, for a message; null when it can
 * @param vision the file with the vision tower; null when there is none
 */
record ModelParts(
    PipelineClass pipelineClass,
    String noEdits,
    PipelineConfig settings,
    QwenTokenizer tokenizer,
    PartFile text,
    PartFile vision,
    TextEncoderConfig textConfig,
    PartFile transformer,
    TransformerConfig transformerConfig,
    ZeroCondT.Choice zeroCondT,
    PartFile vae,
    VaeConfig vaeConfig) {

  /** Mapped bytes of each part by its name. */
  Map<String, Long> bytes() {
    Map<String, Long> bytes = new LinkedHashMap<>();
    bytes.put("text_encoder", text.bytes());
    if (vision != null && !vision.path().equals(text.path())) {
      bytes.put("vision_tower", vision.bytes());
    }
    bytes.put("transformer", transformer.bytes());
    bytes.put("vae", vae.bytes());
    return bytes;
  }
}
