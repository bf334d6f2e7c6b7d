package inkstone.model.bench;

import inkstone.loader.config.TextEncoderConfig;
import inkstone.loader.config.TransformerConfig;
import inkstone.loader.config.VaeConfig;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.GZIPInputStream;

/**
 * A Hugging Face folder with the names, shapes, types and shards of Qwen-Image-Edit-2511, 57 GB of
 * zeros that take no room on disk: the files are holes behind their headers.
 *
 * <pre>{@code
 * java … inkstone.model.bench.SparseCheckpoint FOLDER [vae_image_area condition_image_area]
 * }</pre>
 */
final class SparseCheckpoint {
  private static final int BF16_BYTES = 2;
  private static final String TOKENIZER = "/inkstone/model/text/qwen2.5/";

  private SparseCheckpoint() {}

  /** Makes one by hand. */
  public static void main(String[] args) throws IOException {
    boolean areas = args.length == 3;
    write(
        Path.of(args[0]),
        areas ? Long.parseLong(args[1]) : 1024 * 1024,
        areas ? Long.parseLong(args[2]) : 384 * 384);
  }

  /**
   * Writes the folder.
   *
   * @param vaeArea pixels of a reference for the VAE; the published model's is 1024²
   * @param conditionArea pixels of a reference for the text encoder; the published model's is 384²
   */
  static void write(Path folder, long vaeArea, long conditionArea) throws IOException {
    text(
        folder.resolve("model_index.json"),
        """
        {"_class_name": "QwenImageEditPlusPipeline", "_diffusers_version": "0.36.0.dev0",
         "processor": ["transformers", "Qwen2VLProcessor"],
         "scheduler": ["diffusers", "FlowMatchEulerDiscreteScheduler"],
         "text_encoder": ["transformers", "Qwen2_5_VLForConditionalGeneration"],
         "tokenizer": ["transformers", "Qwen2Tokenizer"],
         "transformer": ["diffusers", "QwenImageTransformer2DModel"],
         "vae": ["diffusers", "AutoencoderKLQwenImage"]}
        """);
    text(
        folder.resolve("inkstone.json"),
        "{\"vae_image_area\": " + vaeArea + ", \"condition_image_area\": " + conditionArea + "}");
    configs(folder);
    tokenizer(folder.resolve("tokenizer"));
    sharded(
        folder.resolve("transformer"),
        "diffusion_pytorch_model",
        5,
        DitShapes.of(TransformerConfig.QWEN_IMAGE));
    Map<String, long[]> words =
        new LinkedHashMap<>(TextShapes.decoder(TextEncoderConfig.QWEN_IMAGE.text()));
    words.put("lm_head.weight", new long[] {152_064, 3584});
    words.putAll(TextShapes.vision(TextEncoderConfig.QWEN_IMAGE.vision()));
    sharded(folder.resolve("text_encoder"), "model", 4, words);
    Map<String, long[]> vae =
        new LinkedHashMap<>(VaeShapes.encoder(VaeConfig.QWEN_IMAGE, 64).shapes());
    vae.putAll(VaeShapes.decoder(VaeConfig.QWEN_IMAGE, 64).shapes());
    time(vae, "encoder.down_blocks.5.time_conv", 192, 192);
    time(vae, "encoder.down_blocks.8.time_conv", 384, 384);
    time(vae, "decoder.up_blocks.0.upsamplers.0.time_conv", 768, 384);
    time(vae, "decoder.up_blocks.1.upsamplers.0.time_conv", 768, 384);
    safetensors(folder.resolve("vae/diffusion_pytorch_model.safetensors"), vae);
  }

  private static void time(Map<String, long[]> shapes, String at, long out, long in) {
    shapes.put(at + ".weight", new long[] {out, in, 3, 1, 1});
    shapes.put(at + ".bias", new long[] {out});
  }

  private static void configs(Path folder) throws IOException {
    text(
        folder.resolve("transformer/config.json"),
        """
        {"_class_name": "QwenImageTransformer2DModel", "attention_head_dim": 128,
         "axes_dims_rope": [16, 56, 56], "guidance_embeds": false, "in_channels": 64,
         "joint_attention_dim": 3584, "num_attention_heads": 24, "num_layers": 60,
         "out_channels": 16, "patch_size": 2, "zero_cond_t": true}
        """);
    text(
        folder.resolve("text_encoder/config.json"),
        """
        {"architectures": ["Qwen2_5_VLForConditionalGeneration"], "model_type": "qwen2_5_vl",
         "image_token_id": 151655, "video_token_id": 151656, "vision_start_token_id": 151652,
         "vision_end_token_id": 151653, "hidden_act": "silu", "hidden_size": 3584,
         "intermediate_size": 18944, "max_position_embeddings": 128000, "num_attention_heads": 28,
         "num_hidden_layers": 28, "num_key_value_heads": 4, "rms_norm_eps": 1e-06,
         "rope_scaling": {"mrope_section": [16, 24, 24], "rope_type": "default",
          "type": "default"},
         "rope_theta": 1000000.0, "tie_word_embeddings": false, "use_sliding_window": false,
         "vocab_size": 152064,
         "vision_config": {"depth": 32, "fullatt_block_indexes": [7, 15, 23, 31],
          "hidden_act": "silu", "hidden_size": 1280, "in_channels": 3, "in_chans": 3,
          "intermediate_size": 3420, "model_type": "qwen2_5_vl", "num_heads": 16,
          "out_hidden_size": 3584, "patch_size": 14, "spatial_merge_size": 2,
          "spatial_patch_size": 14, "temporal_patch_size": 2, "tokens_per_second": 2,
          "window_size": 112}}
        """);
    VaeConfig vae = VaeConfig.QWEN_IMAGE;
    text(
        folder.resolve("vae/config.json"),
        "{\"_class_name\": \"AutoencoderKLQwenImage\", \"attn_scales\": [], \"base_dim\": 96,"
            + " \"dim_mult\": [1, 2, 4, 4], \"num_res_blocks\": 2,"
            + " \"temperal_downsample\": [false, true, true], \"z_dim\": 16, \"latents_mean\": "
            + vae.latentsMean()
            + ", \"latents_std\": "
            + vae.latentsStd()
            + "}");
    text(
        folder.resolve("scheduler/scheduler_config.json"),
        """
        {"_class_name": "FlowMatchEulerDiscreteScheduler", "base_image_seq_len": 256,
         "base_shift": 0.5, "max_image_seq_len": 8192, "max_shift": 0.9,
         "num_train_timesteps": 1000, "shift": 1.0, "shift_terminal": 0.02,
         "time_shift_type": "exponential", "use_dynamic_shifting": true}
        """);
    text(
        folder.resolve("processor/preprocessor_config.json"),
        """
        {"image_processor_type": "Qwen2VLImageProcessor", "patch_size": 14, "merge_size": 2,
         "temporal_patch_size": 2, "min_pixels": 3136, "max_pixels": 12845056,
         "image_mean": [0.48145466, 0.4578275, 0.40821073],
         "image_std": [0.26862954, 0.26130258, 0.27577711]}
        """);
  }

  /** Qwen2.5's own, in the two files of its folder: the bytes and then the merges are the ids. */
  private static void tokenizer(Path folder) throws IOException {
    Files.createDirectories(folder);
    List<String> merges;
    try (InputStream in = resource("merges.txt.gz");
        InputStream unpacked = new GZIPInputStream(in)) {
      String all = new String(unpacked.readAllBytes(), StandardCharsets.UTF_8);
      Files.writeString(folder.resolve("merges.txt"), all);
      merges = all.lines().filter(line -> !line.startsWith("#version")).toList();
    }
    try (InputStream in = resource("tokenizer_config.json")) {
      Files.write(folder.resolve("tokenizer_config.json"), in.readAllBytes());
    }
    List<String> tokens = new ArrayList<>(byteAlphabet());
    merges.forEach(merge -> tokens.add(merge.replaceFirst(" ", "")));
    StringBuilder vocab = new StringBuilder("{");
    for (int id = 0; id < tokens.size(); id++) {
      String escaped = tokens.get(id).replace("\\", "\\\\").replace("\"", "\\\"");
      vocab.append(id == 0 ? "\"" : ", \"").append(escaped).append("\": ").append(id);
    }
    Files.writeString(folder.resolve("vocab.json"), vocab.append("}"));
  }

  /** GPT-2's printable characters for bytes: those that print, then the others from 256 up. */
  private static List<String> byteAlphabet() {
    List<String> alphabet = new ArrayList<>();
    for (int b = '!'; b < 256; b++) {
      if (b <= '~' || b >= 0xa1 && b != 0xad) {
        alphabet.add(Character.toString(b));
      }
    }
    for (int other = 256; alphabet.size() < 256; other++) {
      alphabet.add(Character.toString(other));
    }
    return alphabet;
  }

  private static InputStream resource(String name) {
    return SparseCheckpoint.class.getResourceAsStream(TOKENIZER + name);
  }

  private static void sharded(Path folder, String name, int shards, Map<String, long[]> shapes)
      throws IOException {
    long total = shapes.values().stream().mapToLong(SparseCheckpoint::bytes).sum();
    List<Map<String, long[]>> parts = new ArrayList<>();
    long filled = 0;
    for (Map.Entry<String, long[]> shape : shapes.entrySet()) {
      if (parts.isEmpty() || filled >= (total + shards - 1) / shards * parts.size()) {
        parts.add(new LinkedHashMap<>());
      }
      parts.getLast().put(shape.getKey(), shape.getValue());
      filled += bytes(shape.getValue());
    }
    StringBuilder map = new StringBuilder();
    for (int i = 0; i < parts.size(); i++) {
      String file = String.format("%s-%05d-of-%05d.safetensors", name, i + 1, parts.size());
      safetensors(folder.resolve(file), parts.get(i));
      for (String tensor : parts.get(i).keySet()) {
        map.append(map.isEmpty() ? "" : ",\n").append('"').append(tensor).append("\": \"");
        map.append(file).append('"');
      }
    }
    text(
        folder.resolve(name + ".safetensors.index.json"),
        "{\"metadata\": {\"total_size\": " + total + "}, \"weight_map\": {" + map + "}}");
  }

  /** A header, then a hole. */
  private static void safetensors(Path file, Map<String, long[]> shapes) throws IOException {
    StringBuilder json = new StringBuilder("{\"__metadata__\":{\"format\":\"pt\"}");
    long at = 0;
    for (Map.Entry<String, long[]> entry : shapes.entrySet()) {
      long end = at + bytes(entry.getValue());
      json.append(",\"").append(entry.getKey()).append("\":{\"dtype\":\"BF16\",\"shape\":");
      json.append(Arrays.toString(entry.getValue()).replace(" ", ""));
      json.append(",\"data_offsets\":[").append(at).append(',').append(end).append("]}");
      at = end;
    }
    byte[] header = json.append('}').toString().getBytes(StandardCharsets.UTF_8);
    Files.createDirectories(file.getParent());
    try (FileChannel channel =
        FileChannel.open(
            file,
            StandardOpenOption.CREATE_NEW,
            StandardOpenOption.WRITE,
            StandardOpenOption.SPARSE)) {
      ByteBuffer start = ByteBuffer.allocate(8 + header.length).order(ByteOrder.LITTLE_ENDIAN);
      channel.write(start.putLong(header.length).put(header).flip(), 0);
      channel.write(ByteBuffer.allocate(1), 8 + header.length + at - 1);
    }
  }

  private static long bytes(long[] shape) {
    long elements = 1;
    for (long dim : shape) {
      elements = Math.multiplyExact(elements, dim);
    }
    return elements * BF16_BYTES;
  }

  private static void text(Path file, String content) throws IOException {
    Files.createDirectories(file.getParent());
    Files.writeString(file, content);
  }

  /** Bytes on disk of all files of a folder, as {@code du} counts them. */
  static long onDisk(Path folder) throws IOException {
    Process du = new ProcessBuilder("du", "-sk", folder.toString()).start();
    String out = new String(du.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    return 1024 * Long.parseLong(out.split("\\s")[0]);
  }

  /** Bytes of all files of a folder. */
  static long apparent(Path folder) throws IOException {
    try (var files = Files.walk(folder)) {
      return files.filter(Files::isRegularFile).mapToLong(SparseCheckpoint::size).sum();
    }
  }

  private static long size(Path file) {
    try {
      return Files.size(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
