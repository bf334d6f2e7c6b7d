package inkstone.loader.config;

import static org.assertj.core.api.Assertions.assertThat;

import inkstone.loader.Golden;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * A folder of each published model, its text encoder's config in every spelling: flat as
 * transformers 4 wrote it first, flat and nested as 4.54 did, and as transformers 5 writes it. The
 * last, and what diffusers and transformers of today make of the other files, are goldens.
 */
class PublishedFoldersTest {
  /**
   * A model as published.
   *
   * @param transformerKeys what its transformer/config.json has beside the dimensions
   */
  record Published(
      String name, String diffusers, ModelIndex index, String transformerKeys, boolean zeroCondT) {
    boolean edits() {
      return index.components().containsKey("processor");
    }
  }

  private static final List<Published> MODELS =
      List.of(
          new Published(
              "Qwen-Image",
              "0.34.0.dev0",
              ModelIndex.QWEN_IMAGE,
              "\"pooled_projection_dim\": 768,",
              false),
          new Published("Qwen-Image-2512", "0.36.0.dev0", ModelIndex.QWEN_IMAGE, "", false),
          new Published("Qwen-Image-Edit", "0.35.0.dev0", ModelIndex.QWEN_IMAGE_EDIT, "", false),
          new Published(
              "Qwen-Image-Edit-2509", "0.36.0.dev0", ModelIndex.QWEN_IMAGE_EDIT_PLUS, "", false),
          new Published(
              "Qwen-Image-Edit-2511",
              "0.36.0.dev0",
              ModelIndex.QWEN_IMAGE_EDIT_PLUS,
              "\"zero_cond_t\": true,",
              true));

  enum Spelling {
    TRANSFORMERS_4_FLAT,
    TRANSFORMERS_4_BOTH,
    TRANSFORMERS_5,
    TRANSFORMERS_5_ALL_KEYS
  }

  static Stream<Arguments> folders() {
    return MODELS.stream()
        .flatMap(model -> Stream.of(Spelling.values()).map(text -> Arguments.of(model, text)));
  }

  @TempDir Path folder;

  @ParameterizedTest
  @MethodSource("folders")
  void asPublished(Published model, Spelling spelling) throws IOException {
    write("model_index.json", index(model));
    write("transformer/config.json", transformer(model));
    write("text_encoder/config.json", text(spelling));
    write("vae/config.json", VAE.replace("VERSION", model.diffusers()));
    write("scheduler/scheduler_config.json", SCHEDULER.replace("VERSION", model.diffusers()));
    if (model.edits()) {
      write("processor/preprocessor_config.json", PROCESSOR);
    }
    requireModel(model);
  }

  /** Loaded and saved again by the libraries of today. */
  @ParameterizedTest
  @MethodSource("folders")
  void asSavedAgain(Published model, Spelling spelling) throws IOException {
    write("model_index.json", index(model).replace(model.diffusers(), "0.42.1"));
    copy(model.zeroCondT() ? "transformer_2511" : "transformer", "transformer/config.json");
    write("text_encoder/config.json", text(spelling));
    copy("vae", "vae/config.json");
    copy("scheduler", "scheduler/scheduler_config.json");
    if (model.edits()) {
      copy("processor", "processor/processor_config.json");
    }
    requireModel(model);
  }

  private void requireModel(Published model) throws IOException {
    ModelIndex index = ModelIndex.read(folder);
    assertThat(index).isEqualTo(model.index());
    assertThat(TransformerConfig.read(folder))
        .isEqualTo(
            model.zeroCondT()
                ? TransformerConfig.QWEN_IMAGE_EDIT_2511
                : TransformerConfig.QWEN_IMAGE);
    assertThat(TextEncoderConfig.read(folder)).isEqualTo(TextEncoderConfig.QWEN_IMAGE);
    assertThat(VaeConfig.read(folder)).isEqualTo(VaeConfig.QWEN_IMAGE);
    assertThat(SchedulerConfig.read(folder)).isEqualTo(SchedulerConfig.QWEN_IMAGE);
    if (model.edits()) {
      assertThat(ProcessorConfig.read(folder)).isEqualTo(ProcessorConfig.QWEN_IMAGE);
    }
  }

  private void write(String name, String json) throws IOException {
    Path file = folder.resolve(name);
    Files.createDirectories(file.getParent());
    Files.writeString(file, json);
  }

  private void copy(String golden, String name) throws IOException {
    write(name, golden(golden));
  }

  private static String golden(String name) throws IOException {
    return Files.readString(Golden.path("configs/" + name + ".json"));
  }

  private static String index(Published model) {
    return """
    {"_class_name": "%s", "_diffusers_version": "%s", %s
     "scheduler": ["diffusers", "FlowMatchEulerDiscreteScheduler"],
     "text_encoder": ["transformers", "Qwen2_5_VLForConditionalGeneration"],
     "tokenizer": ["transformers", "Qwen2Tokenizer"],
     "transformer": ["diffusers", "QwenImageTransformer2DModel"],
     "vae": ["diffusers", "AutoencoderKLQwenImage"]}
    """
        .formatted(
            model.index().className(),
            model.diffusers(),
            model.edits() ? "\"processor\": [\"transformers\", \"Qwen2VLProcessor\"]," : "");
  }

  private static String transformer(Published model) {
    return """
    {"_class_name": "QwenImageTransformer2DModel", "_diffusers_version": "%s",
     "attention_head_dim": 128, "axes_dims_rope": [16, 56, 56], "guidance_embeds": false,
     "in_channels": 64, "joint_attention_dim": 3584, "num_attention_heads": 24, %s
     "num_layers": 60, "out_channels": 16, "patch_size": 2}
    """
        .formatted(model.diffusers(), model.transformerKeys());
  }

  private static String text(Spelling spelling) throws IOException {
    return switch (spelling) {
      case TRANSFORMERS_4_FLAT -> FLAT.formatted("4.41.2", "");
      case TRANSFORMERS_4_BOTH ->
          FLAT.formatted(
              "4.54.0",
              NESTED.replace(
                  "LAYERS", String.join(",", Collections.nCopies(28, "\"full_attention\""))));
      case TRANSFORMERS_5 -> golden("text_encoder");
      case TRANSFORMERS_5_ALL_KEYS -> golden("text_encoder_all_keys");
    };
  }

  private static final String FLAT =
      """
      {"architectures": ["Qwen2_5_VLForConditionalGeneration"], "attention_dropout": 0.0,
       "bos_token_id": 151643, "eos_token_id": 151645, "hidden_act": "silu", "hidden_size": 3584,
       "image_token_id": 151655, "initializer_range": 0.02, "intermediate_size": 18944,
       "max_position_embeddings": 128000, "max_window_layers": 28, "model_type": "qwen2_5_vl",
       "num_attention_heads": 28, "num_hidden_layers": 28, "num_key_value_heads": 4,
       "rms_norm_eps": 1e-06,
       "rope_scaling": {"mrope_section": [16, 24, 24], "rope_type": "default", "type": "default"},
       "rope_theta": 1000000.0, "sliding_window": 32768, "tie_word_embeddings": false,
       "torch_dtype": "bfloat16", "transformers_version": "%s", "use_cache": true,
       "use_sliding_window": false, "video_token_id": 151656, %s
       "vision_config": {"depth": 32, "fullatt_block_indexes": [7, 15, 23, 31],
         "hidden_act": "silu", "hidden_size": 1280, "in_channels": 3, "in_chans": 3,
         "initializer_range": 0.02, "intermediate_size": 3420, "model_type": "qwen2_5_vl",
         "num_heads": 16, "out_hidden_size": 3584, "patch_size": 14, "spatial_merge_size": 2,
         "spatial_patch_size": 14, "temporal_patch_size": 2, "tokens_per_second": 2,
         "torch_dtype": "float32", "window_size": 112},
       "vision_end_token_id": 151653, "vision_start_token_id": 151652, "vision_token_id": 151654,
       "vocab_size": 152064}
      """;

  private static final String NESTED =
      """
      "text_config": {"architectures": ["Qwen2_5_VLForConditionalGeneration"],
         "attention_dropout": 0.0, "bos_token_id": 151643, "eos_token_id": 151645,
         "hidden_act": "silu", "hidden_size": 3584, "image_token_id": null,
         "initializer_range": 0.02, "intermediate_size": 18944, "layer_types": [LAYERS],
         "max_position_embeddings": 128000, "max_window_layers": 28,
         "model_type": "qwen2_5_vl_text", "num_attention_heads": 28, "num_hidden_layers": 28,
         "num_key_value_heads": 4, "rms_norm_eps": 1e-06,
         "rope_scaling": {"mrope_section": [16, 24, 24], "rope_type": "default",
           "type": "default"},
         "rope_theta": 1000000.0, "sliding_window": null, "torch_dtype": "float32",
         "use_cache": true, "use_sliding_window": false, "video_token_id": null,
         "vision_end_token_id": 151653, "vision_start_token_id": 151652,
         "vision_token_id": 151654, "vocab_size": 152064},
      """;

  private static final String VAE =
      """
      {"_class_name": "AutoencoderKLQwenImage", "_diffusers_version": "VERSION", "attn_scales": [],
       "base_dim": 96, "dim_mult": [1, 2, 4, 4], "dropout": 0.0,
       "latents_mean": [-0.7571, -0.7089, -0.9113, 0.1075, -0.1745, 0.9653, -0.1517, 1.5508,
         0.4134, -0.0715, 0.5517, -0.3632, -0.1922, -0.9497, 0.2503, -0.2921],
       "latents_std": [2.8184, 1.4541, 2.3275, 2.6558, 1.2196, 1.7708, 2.6052, 2.0743, 3.2687,
         2.1526, 2.8652, 1.5579, 1.6382, 1.1253, 2.8251, 1.916],
       "num_res_blocks": 2, "temperal_downsample": [false, true, true], "z_dim": 16}
      """;

  private static final String SCHEDULER =
      """
      {"_class_name": "FlowMatchEulerDiscreteScheduler", "_diffusers_version": "VERSION",
       "base_image_seq_len": 256, "base_shift": 0.5, "invert_sigmas": false,
       "max_image_seq_len": 8192, "max_shift": 0.9, "num_train_timesteps": 1000, "shift": 1.0,
       "shift_terminal": 0.02, "stochastic_sampling": false, "time_shift_type": "exponential",
       "use_beta_sigmas": false, "use_dynamic_shifting": true, "use_exponential_sigmas": false,
       "use_karras_sigmas": false}
      """;

  private static final String PROCESSOR =
      """
      {"do_convert_rgb": true, "do_normalize": true, "do_rescale": true, "do_resize": true,
       "image_mean": [0.48145466, 0.4578275, 0.40821073],
       "image_processor_type": "Qwen2VLImageProcessor",
       "image_std": [0.26862954, 0.26130258, 0.27577711], "max_pixels": 12845056,
       "merge_size": 2, "min_pixels": 3136, "patch_size": 14,
       "processor_class": "Qwen2_5_VLProcessor", "resample": 3,
       "rescale_factor": 0.00392156862745098,
       "size": {"longest_edge": 12845056, "shortest_edge": 3136}, "temporal_patch_size": 2}
      """;
}
