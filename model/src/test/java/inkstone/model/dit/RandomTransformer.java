package inkstone.model.dit;

import inkstone.loader.Weights;
import inkstone.loader.config.ReferenceMask;
import inkstone.loader.config.TransformerConfig;
import inkstone.loader.safetensors.SafetensorsWriter;
import inkstone.memory.TensorArena;
import inkstone.model.debug.Taps;
import inkstone.ops.Compute;
import inkstone.tensor.Shape;
import inkstone.tensor.Tensor;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CancellationException;

/** A small transformer with random weights, its engine and one run's inputs. */
public final class RandomTransformer implements AutoCloseable {
  /** Two heads of 12 channels, two blocks, zero_cond_t. */
  static final TransformerConfig CONFIG = config(2, true, false);

  public final TensorArena arena = TensorArena.open("test");
  public final Compute compute;
  public final QwenImageTransformer transformer;
  final Weights weights;

  public RandomTransformer(Path folder, TransformerConfig config, int threads) throws IOException {
    compute = Compute.open(threads);
    weights = weights(arena, folder, config);
    transformer = new QwenImageTransformer(compute, config, weights);
  }

  public static TransformerConfig config(int layers, boolean zeroCondT, boolean additionalTCond) {
    return config(8, layers, zeroCondT, additionalTCond, ReferenceMask.NONE);
  }

  /** References attend to themselves alone, at t = 0. */
  public static TransformerConfig causal(int layers) {
    return config(8, layers, true, false, ReferenceMask.SELF);
  }

  static TransformerConfig config(
      int inChannels,
      int layers,
      boolean zeroCondT,
      boolean additionalTCond,
      ReferenceMask referenceMask) {
    return new TransformerConfig(
        2,
        inChannels,
        2,
        layers,
        12,
        2,
        10,
        false,
        List.of(2, 6, 4),
        zeroCondT,
        additionalTCond,
        false,
        referenceMask);
  }

  static Weights weights(TensorArena arena, Path folder, TransformerConfig config)
      throws IOException {
    return write(arena, folder, shapes(config));
  }

  static Weights write(TensorArena arena, Path folder, Map<String, long[]> shapes)
      throws IOException {
    Random random = new Random(7);
    SafetensorsWriter writer = new SafetensorsWriter();
    shapes.forEach((name, dims) -> writer.f32(name, random(random, dims), dims));
    writer.write(folder.resolve("diffusion_pytorch_model.safetensors"));
    return Weights.open(arena, folder);
  }

  static Map<String, long[]> shapes(TransformerConfig config) {
    long inner = (long) config.numAttentionHeads() * config.attentionHeadDim();
    Map<String, long[]> shapes = new LinkedHashMap<>();
    linear(shapes, "img_in", config.inChannels(), inner);
    linear(shapes, "txt_in", config.jointAttentionDim(), inner);
    shapes.put("txt_norm.weight", new long[] {config.jointAttentionDim()});
    linear(shapes, "time_text_embed.timestep_embedder.linear_1", 256, inner);
    linear(shapes, "time_text_embed.timestep_embedder.linear_2", inner, inner);
    if (config.useAdditionalTCond()) {
      shapes.put("time_text_embed.addition_t_embedding.weight", new long[] {2, inner});
    }
    for (int i = 0; i < config.numLayers(); i++) {
      String block = "transformer_blocks." + i + ".";
      for (String stream : List.of("img", "txt")) {
        linear(shapes, block + stream + "_mod.1", inner, 6 * inner);
        linear(shapes, block + stream + "_mlp.net.0.proj", inner, 4 * inner);
        linear(shapes, block + stream + "_mlp.net.2", 4 * inner, inner);
      }
      for (String name :
          List.of(
              "to_q",
              "to_k",
              "to_v",
              "to_out.0",
              "add_q_proj",
              "add_k_proj",
              "add_v_proj",
              "to_add_out")) {
        linear(shapes, block + "attn." + name, inner, inner);
      }
      for (String name : List.of("norm_q", "norm_k", "norm_added_q", "norm_added_k")) {
        shapes.put(block + "attn." + name + ".weight", new long[] {config.attentionHeadDim()});
      }
    }
    linear(shapes, "norm_out.linear", inner, 2 * inner);
    linear(
        shapes,
        "proj_out",
        inner,
        (long) config.patchSize() * config.patchSize() * config.outChannels());
    return shapes;
  }

  private static void linear(Map<String, long[]> shapes, String name, long in, long out) {
    shapes.put(name + ".weight", new long[] {out, in});
    shapes.put(name + ".bias", new long[] {out});
  }

  public static Tensor random(TensorArena arena, int seed, String name, long... dims) {
    return Tensor.of(arena, name, random(new Random(seed), dims), dims);
  }

  private static float[] random(Random random, long... dims) {
    float[] values = new float[Math.toIntExact(Shape.of(dims).elements())];
    double scale = dims.length == 1 ? 0.5 : 1 / Math.sqrt(dims[1]);
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) (scale * random.nextGaussian());
    }
    return values;
  }

  /** Inputs of one forward; equal seeds give equal rows for equal sizes. */
  Run run(int textTokens, LatentGrid... images) {
    return new Run(textTokens, List.of(images));
  }

  /** State, inputs and what the taps saw. */
  final class Run {
    final DitState state;
    final Tensor text;
    final List<Tensor> images = new ArrayList<>();
    final Map<String, float[]> seen = new HashMap<>();
    int checkpoints;
    int cancelAt = -1;

    private final Taps taps =
        new Taps() {
          @Override
          public void tap(String key, Tensor value) {
            seen.put(key, value.toFloatArray());
          }

          @Override
          public void checkpoint() {
            if (checkpoints++ == cancelAt) {
              throw new CancellationException("stopped by the test");
            }
          }
        };

    Run(int textTokens, List<LatentGrid> grids) {
      state = transformer.newState(arena, textTokens, grids);
      TransformerConfig config = transformer.config();
      text = random(arena, 11, "text", textTokens, config.jointAttentionDim());
      for (int slot = 0; slot < grids.size(); slot++) {
        images.add(
            random(
                arena, 100 + slot, "image" + slot, grids.get(slot).tokens(), config.inChannels()));
      }
    }

    Tensor imageTokens() {
      Tensor all =
          Tensor.f32(arena, "imageTokens", state.imageTokens(), transformer.config().inChannels());
      long row = 0;
      for (Tensor image : images) {
        all.rows(row, row + image.dim(0)).copyFrom(image);
        row += image.dim(0);
      }
      return all;
    }

    float[] forward(float timestep) {
      checkpoints = 0;
      return transformer.forward(state, imageTokens(), text, timestep, taps).toFloatArray();
    }

    float[] forward(float timestep, int additionalTCond) {
      checkpoints = 0;
      return transformer
          .forward(state, imageTokens(), text, timestep, additionalTCond, taps)
          .toFloatArray();
    }

    /** Rows of one image (0 is the target) in a tapped {@code [N, H, d]}. */
    float[] imageRows(String key, int slot) {
      DitState.Rows rows = state.imageRows(slot);
      float[] all = seen.get(key);
      int width = all.length / Math.toIntExact(state.textTokens() + state.imageTokens());
      return Arrays.copyOfRange(
          all, Math.toIntExact(rows.from()) * width, Math.toIntExact(rows.to()) * width);
    }
  }

  @Override
  public void close() {
    compute.close();
    arena.close();
  }
}
