package inkstone.loader.config;

import static org.assertj.core.api.Assertions.assertThat;

import inkstone.loader.config.TokenizerConfig.AddedToken;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The files of published models, as transformers 4 and 5 and diffusers write them. */
class PublishedConfigsTest {
  @TempDir Path folder;

  private static final String FLAT_TEXT =
      """
      "attention_dropout": 0.0, "bos_token_id": 151643, "eos_token_id": 151645,
      "hidden_act": "silu", "hidden_size": 3584, "initializer_range": 0.02,
      "intermediate_size": 18944, "max_position_embeddings": 128000, "max_window_layers": 28,
      "num_attention_heads": 28, "num_hidden_layers": 28, "num_key_value_heads": 4,
      "rms_norm_eps": 1e-06, "rope_theta": 1000000.0, "sliding_window": 32768,
      "use_cache": true, "use_sliding_window": false, "vocab_size": 152064
      """;

  private static final String VISION_4 =
      """
      {"depth": 32, "fullatt_block_indexes": [7, 15, 23, 31], "hidden_act": "silu",
       "hidden_size": 1280, "in_channels": 3, "in_chans": 3, "initializer_range": 0.02,
       "intermediate_size": 3420, "model_type": "qwen2_5_vl", "num_heads": 16,
       "out_hidden_size": 3584, "patch_size": 14, "spatial_merge_size": 2,
       "spatial_patch_size": 14, "temporal_patch_size": 2, "tokens_per_second": 2,
       "torch_dtype": "float32", "window_size": 112}
      """;

  private static final String TOKENS =
      """
      "image_token_id": 151655, "video_token_id": 151656, "vision_start_token_id": 151652,
      "vision_end_token_id": 151653, "vision_token_id": 151654
      """;

  @Test
  void textEncoderOfTransformers4IsFlat() throws Exception {
    String json =
        """
        {"architectures": ["Qwen2_5_VLForConditionalGeneration"], "model_type": "qwen2_5_vl",
         %s, %s, "tie_word_embeddings": false, "torch_dtype": "bfloat16",
         "rope_scaling": {"mrope_section": [16, 24, 24], "rope_type": "default", "type": "default"},
         "transformers_version": "4.41.2", "vision_config": %s}
        """
            .formatted(FLAT_TEXT, TOKENS, VISION_4);
    assertThat(TextEncoderConfig.parse(json, "config.json"))
        .isEqualTo(TextEncoderConfig.QWEN_IMAGE);
    assertThat(
            TextEncoderConfig.parse(
                json.replace(
                    "\"rope_type\": \"default\", \"type\": \"default\"", "\"type\": \"mrope\""),
                "config.json"))
        .isEqualTo(TextEncoderConfig.QWEN_IMAGE);
  }

  @Test
  void textEncoderOfLateTransformers4HasBothAndTheNestedCounts() throws Exception {
    String nested =
        """
        {"architectures": ["Qwen2_5_VLForConditionalGeneration"], "model_type": "qwen2_5_vl",
         "hidden_size": 64, "num_attention_heads": 1, "vocab_size": 7, %s,
         "text_config": {%s, "model_type": "qwen2_5_vl_text", "layer_types": [%s],
           "rope_scaling": {"mrope_section": [16, 24, 24], "rope_type": "default", "type": "default"},
           "image_token_id": null, "video_token_id": null},
         "vision_config": %s}
        """
            .formatted(
                TOKENS,
                FLAT_TEXT,
                String.join(",", Collections.nCopies(28, "\"full_attention\"")),
                VISION_4);
    assertThat(TextEncoderConfig.parse(nested, "config.json"))
        .isEqualTo(TextEncoderConfig.QWEN_IMAGE);
  }

  @Test
  void textEncoderOfTransformers5HasRopeParameters() throws Exception {
    String json =
        """
        {"model_type": "qwen2_5_vl", %s, "tie_word_embeddings": false, "dtype": "bfloat16",
         "text_config": {%s, "model_type": "qwen2_5_vl_text",
           "rope_parameters": {"mrope_section": [16, 24, 24], "rope_theta": 1000000.0,
             "rope_type": "default", "type": "mrope"}},
         "vision_config": {"depth": 32, "fullatt_block_indexes": [7, 15, 23, 31],
           "hidden_size": 1280, "in_channels": 3, "intermediate_size": 3420, "num_heads": 16,
           "model_type": "qwen2_5_vl_vision", "out_hidden_size": 3584, "patch_size": 14,
           "rope_parameters": {"rope_theta": 10000.0, "rope_type": "axial"},
           "spatial_merge_size": 2, "temporal_patch_size": 2, "tokens_per_second": 2,
           "window_size": 112}}
        """
            .formatted(
                TOKENS,
                FLAT_TEXT
                    .replace("\"rope_theta\": 1000000.0,", "")
                    .replace("\"sliding_window\": 32768", "\"sliding_window\": null"));
    assertThat(TextEncoderConfig.parse(json, "config.json"))
        .isEqualTo(TextEncoderConfig.QWEN_IMAGE);
  }

  @Test
  void tiedEmbeddingsSlidingLayersAndNullsFollowTransformers() throws Exception {
    String text =
        """
        {"hidden_size": 64, "num_attention_heads": 2, "num_key_value_heads": null,
         "num_hidden_layers": 3, "intermediate_size": 8, "tie_word_embeddings": true,
         "use_sliding_window": true, "sliding_window": 5, "max_window_layers": 1,
         "rope_parameters": null, "rope_theta": 500,
         "rope_scaling": {"type": "mrope", "mrope_section": [4, 6, 6]}}
        """;
    TextEncoderConfig config =
        TextEncoderConfig.parse(
            "{\"text_config\":"
                + text
                + ",\"vision_config\":{\"out_hidden_size\":64,\"hidden_size\":128,\"in_chans\":4}}",
            "config.json");
    assertThat(config.tieWordEmbeddings()).isTrue();
    assertThat(config.text().numKeyValueHeads()).isEqualTo(2);
    assertThat(config.text().slidingLayers()).containsExactly(false, true, true);
    assertThat(config.text().slidingWindow()).isEqualTo(5);
    assertThat(config.text().ropeTheta()).isEqualTo(500);
    assertThat(config.text().rmsNormEps()).isEqualTo(1e-5f);
    assertThat(config.text().vocabSize()).isEqualTo(152_064);
    assertThat(config.vision().inChannels()).isEqualTo(4);
    assertThat(config.vision().headDim()).isEqualTo(8);
    assertThat(config.vision().tokensPerSecond()).isEqualTo(4);
    assertThat(config.imageTokenId()).isEqualTo(151_655);
  }

  @Test
  void transformerDefaultsAreDiffusers() throws Exception {
    assertThat(TransformerConfig.parse("{}", "c")).isEqualTo(TransformerConfig.QWEN_IMAGE);
    assertThat(TransformerConfig.QWEN_IMAGE.innerDim()).isEqualTo(3072);
    String published =
        """
        {"_class_name": "QwenImageTransformer2DModel", "_diffusers_version": "0.36.0.dev0",
         "attention_head_dim": 128, "axes_dims_rope": [16, 56, 56], "guidance_embeds": false,
         "in_channels": 64, "joint_attention_dim": 3584, "num_attention_heads": 24,
         "num_layers": 60, "out_channels": 16, "patch_size": 2, "zero_cond_t": true}
        """;
    assertThat(TransformerConfig.parse(published, "c"))
        .isEqualTo(TransformerConfig.QWEN_IMAGE_EDIT_2511);
    assertThat(TransformerConfig.parse("{\"out_channels\":null}", "c").outChannels()).isEqualTo(64);
    assertThat(TransformerConfig.parse("{\"out_channels\":0}", "c").outChannels()).isEqualTo(64);
    TransformerConfig layered =
        TransformerConfig.parse(
            "{\"guidance_embeds\":true,\"use_additional_t_cond\":true,\"use_layer3d_rope\":true}",
            "c");
    assertThat(layered.guidanceEmbeds()).isTrue();
    assertThat(layered.useAdditionalTCond()).isTrue();
    assertThat(layered.useLayer3dRope()).isTrue();
  }

  @Test
  void vaeDefaultsAreDiffusers() throws Exception {
    assertThat(VaeConfig.parse("{\"_class_name\":\"AutoencoderKLQwenImage\"}", "c"))
        .isEqualTo(VaeConfig.QWEN_IMAGE);
    String published =
        """
        {"_class_name": "AutoencoderKLQwenImage", "attn_scales": [], "base_dim": 96,
         "dim_mult": [1, 2, 4, 4], "dropout": 0.0, "num_res_blocks": 2,
         "latents_mean": [-0.7571, -0.7089, -0.9113, 0.1075, -0.1745, 0.9653, -0.1517, 1.5508,
           0.4134, -0.0715, 0.5517, -0.3632, -0.1922, -0.9497, 0.2503, -0.2921],
         "latents_std": [2.8184, 1.4541, 2.3275, 2.6558, 1.2196, 1.7708, 2.6052, 2.0743,
           3.2687, 2.1526, 2.8652, 1.5579, 1.6382, 1.1253, 2.8251, 1.916],
         "temperal_downsample": [false, true, true], "z_dim": 16}
        """;
    assertThat(VaeConfig.parse(published, "c")).isEqualTo(VaeConfig.QWEN_IMAGE);
  }

  @Test
  void schedulerDefaultsAreDiffusersAndTerminalMayBeNull() throws Exception {
    SchedulerConfig defaults = SchedulerConfig.parse("{}", "c");
    assertThat(defaults.useDynamicShifting()).isFalse();
    assertThat(defaults.maxShift()).isEqualTo(1.15);
    assertThat(defaults.maxImageSeqLen()).isEqualTo(4096);
    assertThat(defaults.shiftTerminal()).isZero();
    // As the distilled models are used: shift 3 at every length.
    SchedulerConfig lightning =
        SchedulerConfig.parse(
            "{\"base_shift\":1.0986122886681098,\"max_shift\":1.0986122886681098,\"shift_terminal\":null,\"use_dynamic_shifting\":true,\"time_shift_type\":\"linear\"}",
            "c");
    assertThat(lightning.shiftTerminal()).isZero();
    assertThat(lightning.timeShiftType()).isEqualTo(SchedulerConfig.TimeShift.LINEAR);
    assertThat(lightning.baseShift()).isEqualTo(Math.log(3));
  }

  private static final String FLAT_PROCESSOR =
      """
      {"do_convert_rgb": true, "do_normalize": true, "do_rescale": true, "do_resize": true,
       "image_mean": [0.48145466, 0.4578275, 0.40821073],
       "image_processor_type": "Qwen2VLImageProcessorFast",
       "image_std": [0.26862954, 0.26130258, 0.27577711], "max_pixels": 12845056,
       "merge_size": 2, "min_pixels": 3136, "patch_size": 14, "resample": 3,
       "processor_class": "Qwen2_5_VLProcessor", "rescale_factor": 0.00392156862745098,
       "size": {"longest_edge": 9999, "shortest_edge": 10}, "temporal_patch_size": 2}
      """;

  @Test
  void processorOfTransformers4IsFlatAndPixelsWinOverSize() throws Exception {
    assertThat(ProcessorConfig.parse(FLAT_PROCESSOR, "c")).isEqualTo(ProcessorConfig.QWEN_IMAGE);
    assertThat(ProcessorConfig.QWEN_IMAGE.factor()).isEqualTo(28);
    ProcessorConfig defaults = ProcessorConfig.parse("{}", "c");
    assertThat(defaults.minPixels()).isEqualTo(3136);
    assertThat(defaults.maxPixels()).isEqualTo(1_003_520);
    ProcessorConfig old =
        ProcessorConfig.parse("{\"size\":{\"min_pixels\":50,\"max_pixels\":60}}", "c");
    assertThat(old.minPixels()).isEqualTo(50);
    assertThat(old.maxPixels()).isEqualTo(60);
  }

  @Test
  void processorFilesAreFoundInEitherGeneration() throws Exception {
    Path processor = Files.createDirectory(folder.resolve("processor"));
    Files.writeString(processor.resolve("preprocessor_config.json"), FLAT_PROCESSOR);
    assertThat(ProcessorConfig.read(folder)).isEqualTo(ProcessorConfig.QWEN_IMAGE);
    Files.writeString(
        processor.resolve("processor_config.json"), "{\"processor_class\":\"Qwen2VLProcessor\"}");
    assertThat(ProcessorConfig.read(processor)).isEqualTo(ProcessorConfig.QWEN_IMAGE);
    Files.writeString(
        processor.resolve("processor_config.json"),
        "{\"image_processor\":{\"size\":{\"longest_edge\":7000,\"shortest_edge\":4000}}}");
    assertThat(ProcessorConfig.read(folder).minPixels()).isEqualTo(4000);
    assertThat(ProcessorConfig.read(folder).maxPixels()).isEqualTo(7000);
  }

  @Test
  void tokenizerOfTransformers4ListsAddedTokens() throws Exception {
    String json =
        """
        {"add_bos_token": false, "add_prefix_space": false,
         "added_tokens_decoder": {
           "151643": {"content": "<|endoftext|>", "lstrip": false, "normalized": false,
             "rstrip": false, "single_word": false, "special": true},
           "151657": {"content": "<tool_call>", "lstrip": false, "normalized": false,
             "rstrip": false, "single_word": false, "special": false}},
         "additional_special_tokens": ["<|im_start|>", {"content": "<|im_end|>"}],
         "bos_token": null, "chat_template": "{{ x }}", "clean_up_tokenization_spaces": false,
         "eos_token": {"content": "<|im_end|>", "lstrip": false}, "errors": "replace",
         "extra_special_tokens": {}, "model_max_length": 1000000000000000019884624838656,
         "pad_token": "<|endoftext|>", "split_special_tokens": false,
         "tokenizer_class": "Qwen2Tokenizer", "unk_token": null}
        """;
    TokenizerConfig config = TokenizerConfig.parse(json, "c");
    assertThat(config.addedTokens()).containsOnlyKeys(151_643, 151_657);
    assertThat(config.addedTokens().get(151_657))
        .isEqualTo(new AddedToken("<tool_call>", false, false, false, false, false));
    assertThat(config.specialTokens()).containsExactly("<|im_start|>", "<|im_end|>");
    assertThat(config.eosToken()).isEqualTo("<|im_end|>");
    assertThat(config.bosToken()).isNull();
    assertThat(config.modelMaxLength()).isEqualTo(Long.MAX_VALUE);
  }

  @Test
  void generationConfigTakesOneOrSeveralEnds() throws Exception {
    assertThat(
            GenerationConfig.parse(
                "{\"bos_token_id\":151643,\"pad_token_id\":151643,\"do_sample\":true,\"eos_token_id\":[151645,151643],\"temperature\":0.000001}",
                "c"))
        .isEqualTo(GenerationConfig.QWEN_IMAGE);
    GenerationConfig one = GenerationConfig.parse("{\"eos_token_id\":954}", "c");
    assertThat(one.eosTokenIds()).containsExactly(954);
    assertThat(one.padTokenId()).isEqualTo(OptionalInt.empty());
  }

  @Test
  void modelIndexLeavesOutWhatIsNull() throws Exception {
    ModelIndex index =
        ModelIndex.parse(
            "{\"_class_name\":\"QwenImagePipeline\",\"_name_or_path\":\"x\",\"is_distilled\":false,\"safety_checker\":[null,null],\"vae\":[\"diffusers\",\"AutoencoderKLQwenImage\"]}",
            "c");
    assertThat(index.className()).isEqualTo("QwenImagePipeline");
    assertThat(index.components())
        .containsOnly(java.util.Map.entry("vae", "AutoencoderKLQwenImage"));
    assertThat(List.copyOf(ModelIndex.QWEN_IMAGE.components().keySet()))
        .containsExactly("scheduler", "text_encoder", "tokenizer", "transformer", "vae");
  }

  @Test
  void inkstoneJsonMayBeAbsent() throws Exception {
    assertThat(InkstoneConfig.read(folder)).isEqualTo(new InkstoneConfig(1_048_576, 147_456));
    Files.writeString(folder.resolve("inkstone.json"), "{\"vae_image_area\":16384}");
    assertThat(InkstoneConfig.read(folder)).isEqualTo(new InkstoneConfig(16_384, 147_456));
  }
}
