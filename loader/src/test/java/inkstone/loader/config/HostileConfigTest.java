package inkstone.loader.config;

import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import inkstone.loader.CheckpointException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Wrong types, sizes out of any range, and settings that contradict each other. */
class HostileConfigTest {
  @TempDir Path folder;

  interface Parser {
    Object parse(String json, String where) throws CheckpointException;
  }

  @ParameterizedTest(name = "{0} {2}")
  @MethodSource({"transformers", "vaes", "textEncoders", "schedulers", "processors", "others"})
  void isRefusedWithFileAndKey(String kind, Parser parser, String json, String message) {
    assertThatThrownBy(() -> parser.parse(json, "config.json"))
        .as(kind)
        .isExactlyInstanceOf(CheckpointException.class)
        .hasMessageContaining(message)
        .hasMessageContaining("(config.json); ");
  }

  static Stream<Arguments> transformers() {
    return cases(
        "transformer",
        TransformerConfig::parse,
        "[]",
        "document, expected an object, got an array of 0",
        "null",
        "document, expected an object, got null",
        "{\"_class_name\":\"FluxTransformer2DModel\"}",
        "key \"_class_name\", expected QwenImageTransformer2DModel, got \"FluxTransformer2DModel\"",
        "{\"num_layers\":0}",
        "key \"num_layers\", expected a whole number from 1 to 1024, got 0",
        "{\"num_layers\":-1}",
        "key \"num_layers\", expected a whole number from 1 to 1024, got -1",
        "{\"num_layers\":1000000000}",
        "key \"num_layers\", expected a whole number from 1 to 1024, got 1000000000",
        "{\"num_layers\":9223372036854775808}",
        "key \"num_layers\", expected a whole number from 1 to 1024, got 9.22",
        "{\"num_layers\":60.5}",
        "got 60.5",
        "{\"num_layers\":\"60\"}",
        "got \"60\"",
        "{\"num_layers\":true}",
        "got true",
        "{\"num_layers\":[60]}",
        "got an array of 1",
        "{\"num_layers\":NaN}",
        "key \"num_layers\", expected a finite number, got NaN",
        "{\"num_layers\":1,\"num_layers\":2}",
        "key \"num_layers\", expected once, got it twice",
        "{\"patch_size\":0}",
        "key \"patch_size\"",
        "{\"in_channels\":0}",
        "key \"in_channels\"",
        "{\"out_channels\":-1}",
        "key \"out_channels\"",
        "{\"attention_head_dim\":1}",
        "key \"attention_head_dim\"",
        "{\"num_attention_heads\":2000000}",
        "key \"num_attention_heads\"",
        "{\"joint_attention_dim\":0}",
        "key \"joint_attention_dim\"",
        "{\"guidance_embeds\":1}",
        "key \"guidance_embeds\", expected true or false, got 1",
        "{\"zero_cond_t\":\"true\"}",
        "key \"zero_cond_t\", expected true or false, got \"true\"",
        "{\"axes_dims_rope\":[16,56]}",
        "key \"axes_dims_rope\", expected an array of 3, got an array of 2",
        "{\"axes_dims_rope\":[16,56,56,0]}",
        "got an array of 4",
        "{\"axes_dims_rope\":128}",
        "key \"axes_dims_rope\", expected an array, got 128",
        "{\"axes_dims_rope\":[16,56,\"x\"]}",
        "key \"axes_dims_rope[2]\", expected a whole number from 0 to 1024, got \"x\"",
        "{\"axes_dims_rope\":[16,56,58]}",
        "key \"axes_dims_rope\", expected three even numbers with the sum attention_head_dim 128, got [16, 56, 58]",
        "{\"axes_dims_rope\":[17,55,56]}",
        "got [17, 55, 56]");
  }

  static Stream<Arguments> vaes() {
    return cases(
        "vae",
        VaeConfig::parse,
        "{\"_class_name\":\"AutoencoderKL\"}",
        "key \"_class_name\", expected AutoencoderKLQwenImage, got \"AutoencoderKL\"",
        "{\"base_dim\":0}",
        "key \"base_dim\"",
        "{\"base_dim\":1e9}",
        "key \"base_dim\"",
        "{\"dim_mult\":[]}",
        "key \"dim_mult\", expected an array of 1 to 8 values, got an array of 0",
        "{\"dim_mult\":[1,2,4,4,4]}",
        "key \"temperal_downsample\", expected 4 values, one fewer than dim_mult, got [false, true, true]",
        "{\"dim_mult\":[1,2,4,0]}",
        "key \"dim_mult[3]\", expected a whole number from 1 to 64, got 0",
        "{\"temperal_downsample\":[0,1,1]}",
        "key \"temperal_downsample[0]\", expected true or false, got 0",
        "{\"num_res_blocks\":65}",
        "key \"num_res_blocks\"",
        "{\"attn_scales\":[\"x\"]}",
        "key \"attn_scales[0]\", expected a number, got \"x\"",
        "{\"z_dim\":8}",
        "key \"latents_mean\", expected an array of 8, got no such key",
        "{\"latents_mean\":[0]}",
        "key \"latents_mean\", expected an array of 16, got an array of 1",
        "{\"z_dim\":1,\"latents_mean\":[0],\"latents_std\":[0]}",
        "key \"latents_std[0]\", expected a number from 1.0E-6 to 1000000.0, got 0",
        "{\"z_dim\":1,\"latents_mean\":[1e300],\"latents_std\":[1]}",
        "key \"latents_mean[0]\"",
        "{\"z_dim\":1,\"latents_mean\":[NaN]}",
        "key \"latents_mean\", expected a finite number, got NaN",
        "{\"z_dim\":1,\"latents_mean\":[null]}",
        "key \"latents_mean[0]\", expected a number from -1000000.0 to 1000000.0, got null");
  }

  static Stream<Arguments> textEncoders() {
    String vision = ",\"vision_config\":{\"out_hidden_size\":64,\"hidden_size\":64}}";
    String text =
        "{\"text_config\":{\"hidden_size\":64,\"num_attention_heads\":2,\"num_key_value_heads\":2,\"rope_scaling\":{\"mrope_section\":[4,6,6]}},\"vision_config\":";
    return cases(
        "text encoder",
        TextEncoderConfig::parse,
        "{}",
        "key \"vision_config.out_hidden_size\", expected the text's hidden_size 8192, got 3584",
        "{\"model_type\":\"llama\"}",
        "key \"model_type\", expected qwen2_5_vl, got \"llama\"",
        "{\"text_config\":[]}",
        "key \"text_config\", expected an object, got an array of 0",
        "{\"hidden_size\":0}",
        "key \"hidden_size\", expected a whole number from 1 to 65536, got 0",
        "{\"text_config\":{\"hidden_size\":65,\"num_attention_heads\":2,\"num_key_value_heads\":1}"
            + vision,
        "key \"text_config.hidden_size\", expected an even multiple of num_attention_heads 2, got 65",
        "{\"text_config\":{\"num_attention_heads\":6,\"num_key_value_heads\":4}" + vision,
        "key \"text_config.num_key_value_heads\", expected a divisor of num_attention_heads 6, got 4",
        "{\"text_config\":{\"hidden_size\":64,\"num_attention_heads\":2,\"num_key_value_heads\":1,\"head_dim\":16}"
            + vision,
        "key \"text_config.head_dim\", expected 32, which is hidden_size / num_attention_heads, got 16",
        "{\"text_config\":{\"hidden_size\":64,\"num_attention_heads\":2,\"num_key_value_heads\":1}"
            + vision,
        "key \"text_config.mrope_section\", expected a sum of half a head, 16, got [16, 24, 24]",
        "{\"rope_scaling\":{\"mrope_section\":[64]}}",
        "key \"rope_scaling.mrope_section\", expected an array of 3, got an array of 1",
        "{\"rope_scaling\":{\"type\":\"yarn\"}}",
        "key \"rope_scaling.type\", expected default or mrope or axial, got \"yarn\"",
        "{\"rope_parameters\":{\"partial_rotary_factor\":0.5}}",
        "key \"rope_parameters.partial_rotary_factor\", expected 1, the only value supported, got 0.5",
        "{\"rope_theta\":0}",
        "key \"rope_theta\"",
        "{\"rms_norm_eps\":0}",
        "key \"rms_norm_eps\"",
        "{\"rms_norm_eps\":-1e-6}",
        "key \"rms_norm_eps\"",
        "{\"hidden_act\":\"relu\"}",
        "key \"hidden_act\", expected silu, got \"relu\"",
        "{\"vocab_size\":100000000000}",
        "key \"vocab_size\"",
        "{\"num_hidden_layers\":2,\"layer_types\":[\"full_attention\"]}",
        "key \"layer_types\", expected an array of 2, got an array of 1",
        "{\"num_hidden_layers\":1,\"layer_types\":[\"linear\"]}",
        "key \"layer_types[0]\", expected full_attention or sliding_attention, got \"linear\"",
        "{\"use_sliding_window\":true,\"sliding_window\":0}",
        "key \"sliding_window\"",
        text + "[]}",
        "key \"vision_config\", expected an object, got an array of 0",
        text + "{\"hidden_size\":60,\"num_heads\":16}}",
        "key \"vision_config.hidden_size\", expected a multiple of 4 * num_heads 16, got 60",
        text + "{\"window_size\":20}}",
        "key \"vision_config.window_size\", expected patch_size * spatial_merge_size, 28, or more, got 20",
        text + "{\"depth\":0}}",
        "key \"vision_config.depth\"",
        text + "{\"patch_size\":[14,14]}}",
        "key \"vision_config.patch_size\"",
        text + "{\"fullatt_block_indexes\":[-1]}}",
        "key \"vision_config.fullatt_block_indexes[0]\"",
        text + "{\"out_hidden_size\":32}}",
        "key \"vision_config.out_hidden_size\", expected the text's hidden_size 64, got 32",
        text + "{\"out_hidden_size\":64},\"image_token_id\":-1}",
        "key \"image_token_id\"");
  }

  static Stream<Arguments> schedulers() {
    return cases(
        "scheduler",
        SchedulerConfig::parse,
        "{\"_class_name\":\"DDIMScheduler\"}",
        "key \"_class_name\", expected FlowMatchEulerDiscreteScheduler, got \"DDIMScheduler\"",
        "{\"num_train_timesteps\":0}",
        "key \"num_train_timesteps\"",
        "{\"shift\":0}",
        "key \"shift\"",
        "{\"shift\":-1}",
        "key \"shift\"",
        "{\"base_shift\":1e300}",
        "key \"base_shift\"",
        "{\"shift_terminal\":1}",
        "key \"shift_terminal\", expected a number from 0.0 to 0.999, got 1",
        "{\"shift_terminal\":-0.1}",
        "key \"shift_terminal\"",
        "{\"base_image_seq_len\":4096}",
        "key \"max_image_seq_len\", expected more than base_image_seq_len 4096, got 4096",
        "{\"time_shift_type\":\"cubic\"}",
        "key \"time_shift_type\", expected exponential or linear, got \"cubic\"",
        "{\"time_shift_type\":1}",
        "key \"time_shift_type\", expected a string, got 1",
        "{\"use_karras_sigmas\":true,\"use_beta_sigmas\":true}",
        "at most one of use_karras_sigmas, use_exponential_sigmas and use_beta_sigmas, got several",
        "{\"use_dynamic_shifting\":\"yes\"}",
        "key \"use_dynamic_shifting\"");
  }

  static Stream<Arguments> processors() {
    return cases(
        "processor",
        ProcessorConfig::parse,
        "{\"image_processor\":3}",
        "key \"image_processor\", expected an object, got 3",
        "{\"image_processor\":{\"image_mean\":[0.5]}}",
        "key \"image_processor.image_mean\", expected an array of 3, got an array of 1",
        "{\"image_std\":[0.1,0.1,0]}",
        "key \"image_std[2]\"",
        "{\"image_std\":[0.1,0.1,\"x\"]}",
        "key \"image_std[2]\"",
        "{\"patch_size\":0}",
        "key \"patch_size\"",
        "{\"merge_size\":-2}",
        "key \"merge_size\"",
        "{\"rescale_factor\":0}",
        "key \"rescale_factor\"",
        "{\"min_pixels\":0}",
        "key \"min_pixels\"",
        "{\"max_pixels\":1e18}",
        "key \"max_pixels\"",
        "{\"min_pixels\":5000,\"max_pixels\":4000}",
        "min_pixels not above max_pixels, got 5000 and 4000",
        "{\"size\":[1,2]}",
        "key \"size\", expected an object, got an array of 2",
        "{\"size\":{\"shortest_edge\":-1}}",
        "key \"size.shortest_edge\"",
        "{\"do_resize\":false}",
        "key \"do_resize\", expected true, the only value supported, got false",
        "{\"resample\":2}",
        "key \"resample\", expected 3 (bicubic), the only value supported, got 2",
        "{\"image_processor_type\":\"CLIPImageProcessor\"}",
        "key \"image_processor_type\", expected Qwen2VLImageProcessor");
  }

  static Stream<Arguments> others() {
    return Stream.of(
            cases(
                "tokenizer",
                TokenizerConfig::parse,
                "{\"tokenizer_class\":\"LlamaTokenizer\"}",
                "key \"tokenizer_class\", expected Qwen2Tokenizer",
                "{\"eos_token\":5}",
                "key \"eos_token\", expected a string, got 5",
                "{\"eos_token\":{}}",
                "key \"eos_token.content\", expected a value, got no such key",
                "{\"model_max_length\":0}",
                "key \"model_max_length\"",
                "{\"extra_special_tokens\":7}",
                "key \"extra_special_tokens\", expected an array, got 7",
                "{\"added_tokens_decoder\":{\"x\":{\"content\":\"a\"}}}",
                "key \"added_tokens_decoder.x\", expected a token number as key, got another key",
                "{\"added_tokens_decoder\":{\"-1\":{\"content\":\"a\"}}}",
                "expected a token number as key",
                "{\"added_tokens_decoder\":{\"99999999999\":{\"content\":\"a\"}}}",
                "expected a token number as key",
                "{\"added_tokens_decoder\":{\"1\":\"a\"}}",
                "key \"added_tokens_decoder.1\", expected an object, got \"a\"",
                "{\"added_tokens_decoder\":{\"1\":{\"content\":\"a\",\"special\":1}}}",
                "key \"added_tokens_decoder.1.special\", expected true or false, got 1"),
            cases(
                "generation",
                GenerationConfig::parse,
                "{\"eos_token_id\":-1}",
                "key \"eos_token_id\"",
                "{\"eos_token_id\":[1,\"x\"]}",
                "key \"eos_token_id[1]\"",
                "{\"bos_token_id\":1e10}",
                "key \"bos_token_id\""),
            cases(
                "model index",
                ModelIndex::parse,
                "{}",
                "key \"_class_name\", expected a value, got no such key",
                "{\"_class_name\":null}",
                "key \"_class_name\", expected a string, got null",
                "{\"_class_name\":\"x\",\"vae\":[\"diffusers\"]}",
                "key \"vae\", expected [library, class], got an array of 1",
                "{\"_class_name\":\"x\",\"vae\":[\"diffusers\",1]}",
                "key \"vae[1]\", expected a string, got 1",
                "{\"_class_name\":\"x\",\"../vae\":[\"diffusers\",\"x\"]}",
                "key \"../vae\", expected a component name of letters, digits and underscores"),
            cases(
                "inkstone",
                InkstoneConfig::parse,
                "{\"vae_image_area\":0}",
                "key \"vae_image_area\", expected a whole number from 1024 to 1073741824, got 0",
                "{\"vae_image_area\":1e12}",
                "key \"vae_image_area\"",
                "{\"condition_image_area\":\"big\"}",
                "key \"condition_image_area\""))
        .flatMap(all -> all);
  }

  @Test
  void aMissingConfigIsNamed() {
    assertThatThrownBy(() -> TransformerConfig.read(folder))
        .isExactlyInstanceOf(CheckpointException.class)
        .hasMessage(
            "config: expected config.json, got a folder without it ("
                + folder
                + "); download the missing file, or give the model's folder");
    assertThatThrownBy(() -> ProcessorConfig.read(folder))
        .hasMessageContaining("expected processor_config.json or preprocessor_config.json");
    assertThatThrownBy(() -> ModelIndex.read(folder.resolve("none.json")))
        .isExactlyInstanceOf(CheckpointException.class)
        .hasMessageContaining("expected it here, got nothing");
  }

  @Test
  void anOverlongConfigIsRefusedUnread() throws Exception {
    Path file = folder.resolve("config.json");
    Files.writeString(file, "{\"x\":\"" + "y".repeat(17 << 20) + "\"}");
    assertThatThrownBy(() -> TransformerConfig.read(folder))
        .isExactlyInstanceOf(CheckpointException.class)
        .hasMessageContaining("expected a file of 1 to 16777216 bytes, got 178");
  }

  private static Stream<Arguments> cases(String kind, Parser parser, String... jsonsAndMessages) {
    Stream.Builder<Arguments> cases = Stream.builder();
    for (int i = 0; i < jsonsAndMessages.length; i += 2) {
      cases.add(arguments(kind, parser, jsonsAndMessages[i], jsonsAndMessages[i + 1]));
    }
    return cases.build();
  }
}
