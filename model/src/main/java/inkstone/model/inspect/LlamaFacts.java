package inkstone.model.inspect;

import inkstone.loader.CheckpointException;
import inkstone.loader.TensorSource;
import inkstone.loader.config.TextConfig;
import inkstone.loader.config.VisionConfig;
import inkstone.loader.gguf.GgufConfigs;
import inkstone.loader.gguf.GgufMetadata;
import inkstone.loader.gguf.TextNames;
import inkstone.loader.gguf.VisionNames;
import inkstone.model.bench.TextShapes;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** {@link NetworkFacts} of GGUF files under llama.cpp's names. */
final class LlamaFacts {
  private LlamaFacts() {}

  /** A text model, with the config that its metadata say. */
  static NetworkFacts text(GgufMetadata metadata, TensorSource source) throws CheckpointException {
    TextConfig config = GgufConfigs.textEncoder(metadata, source, null, null).text();
    Map<String, Object> facts = new LinkedHashMap<>();
    NetworkFacts.add(facts, config);
    Map<String, long[]> expected = new LinkedHashMap<>();
    TextShapes.decoder(config).forEach((name, dims) -> expected.put(TextNames.stored(name), dims));
    return new NetworkFacts(facts, "metadata", expected);
  }

  /** A vision tower: llama.cpp's mmproj files of Qwen2.5-VL are all of the published one. */
  static NetworkFacts vision(TensorSource source) {
    VisionConfig config = VisionConfig.QWEN_IMAGE;
    Map<String, Object> facts = new LinkedHashMap<>();
    NetworkFacts.add(facts, config);
    boolean split = source.names().contains("v.blk.0.attn_q.weight");
    Map<String, long[]> expected = new LinkedHashMap<>();
    TextShapes.vision(config)
        .forEach((name, dims) -> {
          if (split && name.contains(".attn.qkv.")) {
            long[] third = dims.clone();
            third[0] /= 3;
            for (String one : List.of("q", "k", "v")) {
              expected.put(VisionNames.stored(name.replace("attn.qkv", "attn." + one)), third);
            }
          } else if (dims.length == 5) {
            // The two frames of a patch are a tensor each.
            long[] frame = {dims[0], dims[1], dims[3], dims[4]};
            expected.put(VisionNames.stored(name), frame);
            expected.put(VisionNames.stored(name) + ".1", frame);
          } else {
            expected.put(VisionNames.stored(name), dims);
          }
        });
    return new NetworkFacts(facts, "published model", expected);
  }
}
