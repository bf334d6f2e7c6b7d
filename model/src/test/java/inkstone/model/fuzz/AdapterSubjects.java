package inkstone.model.fuzz;

import inkstone.loader.config.ReferenceMask;
import inkstone.loader.config.TransformerConfig;
import inkstone.loader.safetensors.SafetensorsWriter;
import inkstone.memory.TensorArena;
import inkstone.model.lora.LoraFile;
import inkstone.model.lora.LoraSet;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** LoRA files in each spelling, read as a run reads them. */
final class AdapterSubjects {
  /** One block of one head of eight. */
  private static final TransformerConfig CONFIG =
      new TransformerConfig(
          2, 64, 16, 1, 8, 1, 8, false, List.of(2, 2, 4), false, false, false, ReferenceMask.NONE);

  private static final String PEFT =
      "{\"transformer.lora_alpha\": 4, \"transformer.r\": 2, \"transformer.alpha_pattern\":"
          + " {\"transformer_blocks.0.attn.to_q\": 2}}";

  private AdapterSubjects() {}

  static List<FuzzSubject> in(Path folder) throws IOException {
    float[] down = new float[16];
    float[] square = new float[64];
    float[] small = {1, 2, 3, 4};
    SafetensorsWriter peft =
        new SafetensorsWriter()
            .metadata("lora_adapter_metadata", PEFT)
            .bf16("transformer.transformer_blocks.0.attn.to_q.lora_A.weight", down, 2, 8)
            .bf16("transformer.transformer_blocks.0.attn.to_q.lora_B.weight", down, 8, 2)
            .f32("transformer_blocks.0.attn.to_k.lora_A.default.weight", down, 2, 8)
            .f32("transformer_blocks.0.attn.to_k.lora_B.default.weight", down, 8, 2)
            .f32("transformer_blocks.0.attn.to_v.lora_down.weight", down, 2, 8)
            .f32("transformer_blocks.0.attn.to_v.lora_up.weight", down, 8, 2)
            .f32("transformer_blocks.0.attn.to_v.alpha", new float[] {4});
    SafetensorsWriter kohya =
        new SafetensorsWriter()
            .metadata("ss_network_dim", "2")
            .f16("lora_unet_transformer_blocks_0_attn_to_q.lora_down.weight", down, 2, 8)
            .f16("lora_unet_transformer_blocks_0_attn_to_q.lora_up.weight", down, 8, 2)
            .f32("lora_unet_transformer_blocks_0_attn_to_q.alpha", new float[] {1})
            .f32("lora_unet_transformer_blocks_0_attn_to_k.hada_w1_a", down, 8, 2)
            .f32("lora_unet_transformer_blocks_0_attn_to_k.hada_w1_b", down, 2, 8)
            .f32("lora_unet_transformer_blocks_0_attn_to_k.hada_w2_a", down, 8, 2)
            .f32("lora_unet_transformer_blocks_0_attn_to_k.hada_w2_b", down, 2, 8)
            .f32("lora_unet_transformer_blocks_0_attn_to_v.lokr_w1", small, 2, 2)
            .f32("lora_unet_transformer_blocks_0_attn_to_v.lokr_w2", down, 4, 4)
            .f32("lora_unet_transformer_blocks_0_attn_to_out_0.diff", square, 8, 8)
            .f32("lora_unet_transformer_blocks_0_attn_to_out_0.diff_b", new float[8], 8);
    return List.of(
        subject("LoRA: peft", folder.resolve("peft.safetensors"), peft.toBytes()),
        subject("LoRA: kohya, LoHa, LoKr", folder.resolve("kohya.safetensors"), kohya.toBytes()));
  }

  private static FuzzSubject subject(String kind, Path file, byte[] valid) throws IOException {
    Files.createDirectories(file.getParent());
    Files.write(file, valid);
    return new FuzzSubject(kind, file, new SafetensorsMutations(valid), arena -> open(arena, file));
  }

  private static void open(TensorArena arena, Path file) throws IOException {
    LoraSet set = LoraSet.open(arena, CONFIG, List.of(LoraFile.of(file)));
    if (set.matches().size() != 1 || set.digest().isEmpty()) {
      throw new AssertionError("a LoRA without a match or a digest");
    }
  }
}
