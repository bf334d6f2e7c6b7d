package inkstone.model.bench;

import inkstone.loader.config.TransformerConfig;
import inkstone.model.dit.LatentGrid;
import inkstone.ops.Activations;
import inkstone.ops.Attention;
import inkstone.ops.AttentionMask;
import inkstone.ops.Compute;
import inkstone.ops.Gemv;
import inkstone.ops.LayerNorm;
import inkstone.ops.Linear;
import inkstone.ops.QkNormRope;
import inkstone.ops.RmsNorm;
import inkstone.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntConsumer;

/**
 * The operations of a step one by one, at its shapes, over its weights: what the transformer should
 * cost if joining them cost nothing. Each part does its calls for all layers; the order is that of
 * {@code TransformerBlock}, which this list must follow when it changes.
 *
 * <p>N tokens = L text + I image, of which T target; D channels, H heads of d.
 */
final class StepParts {
  private static final float EPS = 1e-6f;
  private static final int VECTORS = 6;

  private final Compute compute;
  private final RandomWeights weights;
  private final TransformerConfig config;
  private final long text;
  private final long tokens;
  private final long target;
  private final Tensor hidden; // [N, D]
  private final Tensor normed; // [N, D]
  private final Tensor wide; // [N, 4·D]
  private final Tensor query; // [N, H, d], like the next three a quarter of wide
  private final Tensor key;
  private final Tensor value;
  private final Tensor attended;
  private final Tensor cos; // [N, d / 2]
  private final Tensor sin;
  private final Tensor condition; // [1, D]
  private final Tensor modulation; // [6, D]
  private final Tensor imageTokens; // [I, inChannels]
  private final Tensor textIn; // [L, textDim]
  private final Tensor textNormed; // [L, textDim]
  private final Tensor timeProjection; // [1, 256]
  private final Tensor velocity; // [T, patchSize² · outChannels]
  private final List<Workload.Part> parts = new ArrayList<>();

  StepParts(Compute compute, DitRig rig, int text, List<LatentGrid> images) {
    this.compute = compute;
    this.weights = rig.weights();
    this.config = rig.config();
    this.text = text;
    this.tokens = rig.tokens();
    this.target = images.getFirst().tokens();
    long inner = config.innerDim();
    long headDim = config.attentionHeadDim();
    hidden = random(rig, "hidden", tokens, inner);
    normed = random(rig, "normed", tokens, inner);
    wide = random(rig, "wide", tokens, 4 * inner);
    Tensor quarters = wide.view(4 * tokens, config.numAttentionHeads(), headDim);
    query = quarters.rows(0, tokens);
    key = quarters.rows(tokens, 2 * tokens);
    value = quarters.rows(2 * tokens, 3 * tokens);
    attended = quarters.rows(3 * tokens, 4 * tokens);
    cos = random(rig, "cos", tokens, headDim / 2);
    sin = random(rig, "sin", tokens, headDim / 2);
    condition = random(rig, "condition", 1, inner);
    modulation = random(rig, "modulation", VECTORS, inner);
    imageTokens = random(rig, "imageTokens", tokens - text, config.inChannels());
    textIn = random(rig, "textIn", text, config.jointAttentionDim());
    textNormed = random(rig, "textNormed", text, config.jointAttentionDim());
    timeProjection = random(rig, "timeProjection", 1, 256);
    velocity = random(rig, "velocity", target, weights.tensor("proj_out.weight").dim(0));
    edges();
    blocks();
  }

  private static Tensor random(DitRig rig, String name, long... dims) {
    return RandomValues.fill(Tensor.f32(rig.arena(), name, dims), 0.5, name.hashCode());
  }

  List<Workload.Part> list() {
    return parts;
  }

  /** Operations of the linear layers before and after the blocks. */
  double edgeFlop() {
    double inner = config.innerDim();
    return 2
        * inner
        * ((double) (tokens - text) * config.inChannels()
            + (double) text * config.jointAttentionDim()
            + 256
            + inner
            + 2 * inner
            + (double) target * velocity.dim(1));
  }

  private void edges() {
    parts.add(new Workload.Part("before and after the blocks", "edges", this::edge));
  }

  private void edge() {
    linear("img_in", hidden.rows(text, tokens), imageTokens);
    RmsNorm.forward(compute, textNormed, textIn, weights.tensor("txt_norm.weight"), EPS);
    linear("txt_in", hidden.rows(0, text), textNormed);
    fewRows("time_text_embed.timestep_embedder.linear_1", condition, timeProjection);
    Activations.silu(compute, condition, condition);
    fewRows("time_text_embed.timestep_embedder.linear_2", modulation.rows(0, 1), condition);
    fewRows("norm_out.linear", modulation.rows(0, 2).view(1, 2L * config.innerDim()), condition);
    Tensor rows = normed.rows(0, target);
    LayerNorm.modulated(compute, rows, hidden.rows(0, target), vector(0), vector(1), EPS);
    linear("proj_out", velocity, rows);
  }

  private void blocks() {
    part(
        "modulation",
        "modulation",
        layer -> {
          Tensor vectors = modulation.view(1, modulation.elements());
          fewRows(block(layer) + "txt_mod.1", vectors, condition);
          fewRows(block(layer) + "img_mod.1", vectors, condition);
        });
    part(
        "modulated norms",
        "norm",
        layer -> {
          for (int branch = 0; branch < 2; branch++) {
            modulated(0, text);
            modulated(text, tokens);
          }
        });
    part(
        "to q, k, v",
        "gemm",
        layer -> {
          for (Tensor heads : List.of(query, key, value)) {
            String name = heads == query ? "q" : heads == key ? "k" : "v";
            attentionLinear(layer, "add_" + name + "_proj", flat(heads), normed, 0, text);
            attentionLinear(layer, "to_" + name, flat(heads), normed, text, tokens);
          }
        });
    part(
        "norm and RoPE of q, k",
        "norm",
        layer -> {
          for (Tensor heads : List.of(query, key)) {
            String name = heads == query ? "norm_q" : "norm_k";
            String added = heads == query ? "norm_added_q" : "norm_added_k";
            normRope(layer, added, heads, 0, text);
            normRope(layer, name, heads, text, tokens);
          }
        });
    float scale = (float) (1 / Math.sqrt(config.attentionHeadDim()));
    part(
        "attention",
        "attention",
        layer ->
            Attention.forward(compute, attended, query, key, value, AttentionMask.NONE, scale));
    part(
        "attention out, residual",
        "gemm",
        layer -> {
          addGated(block(layer) + "attn.to_add_out", flat(attended), 0, text);
          addGated(block(layer) + "attn.to_out.0", flat(attended), text, tokens);
        });
    part(
        "feed-forward in, GELU",
        "gemm",
        layer -> {
          expand(block(layer) + "txt_mlp.net.0.proj", 0, text);
          expand(block(layer) + "img_mlp.net.0.proj", text, tokens);
        });
    part(
        "feed-forward out, residual",
        "gemm",
        layer -> {
          addGated(block(layer) + "txt_mlp.net.2", wide, 0, text);
          addGated(block(layer) + "img_mlp.net.2", wide, text, tokens);
        });
  }

  private void part(String name, String family, IntConsumer layerWork) {
    parts.add(
        new Workload.Part(
            name,
            family,
            () -> {
              for (int layer = 0; layer < config.numLayers(); layer++) {
                layerWork.accept(layer);
              }
            }));
  }

  private static String block(int layer) {
    return "transformer_blocks." + layer + ".";
  }

  private void modulated(long from, long to) {
    LayerNorm.modulated(
        compute, normed.rows(from, to), hidden.rows(from, to), vector(0), vector(1), EPS);
  }

  private void normRope(int layer, String name, Tensor heads, long from, long to) {
    Tensor weight = weights.tensor(block(layer) + "attn." + name + ".weight");
    QkNormRope.interleaved(
        compute, heads.rows(from, to), weight, cos.rows(from, to), sin.rows(from, to), EPS);
  }

  private void expand(String name, long from, long to) {
    Linear.geluTanh(
        compute,
        wide.rows(from, to),
        normed.rows(from, to),
        weights.tensor(name + ".weight"),
        weights.tensor(name + ".bias"));
  }

  private void addGated(String name, Tensor x, long from, long to) {
    Linear.addGated(
        compute,
        hidden.rows(from, to),
        vector(2),
        x.rows(from, to),
        weights.tensor(name + ".weight"),
        weights.tensor(name + ".bias"));
  }

  private void attentionLinear(int layer, String name, Tensor out, Tensor x, long from, long to) {
    linear(block(layer) + "attn." + name, out.rows(from, to), x.rows(from, to));
  }

  private void linear(String name, Tensor out, Tensor x) {
    Linear.forward(
        compute, out, x, weights.tensor(name + ".weight"), weights.tensor(name + ".bias"));
  }

  private void fewRows(String name, Tensor out, Tensor x) {
    Gemv.forward(compute, out, x, weights.tensor(name + ".weight"), weights.tensor(name + ".bias"));
  }

  private Tensor vector(int i) {
    return modulation.rows(i, i + 1).view(config.innerDim());
  }

  private static Tensor flat(Tensor heads) {
    return heads.view(heads.dim(0), heads.dim(1) * heads.dim(2));
  }
}
