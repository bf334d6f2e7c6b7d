package inkstone.model.dit;

import inkstone.loader.config.TransformerConfig;
import inkstone.memory.TensorArena;
import inkstone.ops.Compute;
import inkstone.tensor.Tensor;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;

/**
 * What the passes of one request share without a change of bits: embedded references and text,
 * which no step changes; queries, keys and values of the references in the first block, when the
 * model sees references at t = 0; and modulations, which follow from the timestep alone.
 *
 * <p>It trusts its owner that references and texts stay the same: one request owns it. R reference
 * tokens, D = H·d channels.
 */
public final class ExactMemo {
  private final Tensor references; // [R, D] after img_in
  private final Tensor query; // [R, H, d] of block 0, or null
  private final Tensor key;
  private final Tensor value;
  private final List<Tensor> texts = new ArrayList<>(); // [L, D] after txt_in
  private final BitSet textsKnown = new BitSet();
  private final ModulationMemo atZero; // or null
  private final ModulationMemo atTimestep; // or null
  private boolean referencesKnown;
  private boolean firstBlockKnown;

  ExactMemo(
      TensorArena arena,
      TransformerConfig config,
      List<Integer> textTokens,
      List<LatentGrid> images) {
    long inner = config.innerDim();
    long rows = referenceTokens(images);
    references = rows == 0 ? null : Tensor.f32(arena, "ExactMemo.references", rows, inner);
    boolean apart = config.zeroCondT() && rows > 0;
    query = apart ? heads(arena, "query", rows, config) : null;
    key = apart ? heads(arena, "key", rows, config) : null;
    value = apart ? heads(arena, "value", rows, config) : null;
    for (int tokens : textTokens) {
      texts.add(Tensor.f32(arena, "ExactMemo.text", tokens, inner));
    }
    atZero = apart ? new ModulationMemo(arena, config, 1) : null;
    atTimestep = textTokens.size() > 1 ? new ModulationMemo(arena, config, 2) : null;
  }

  private static Tensor heads(TensorArena arena, String name, long rows, TransformerConfig config) {
    return Tensor.f32(
        arena, "ExactMemo." + name, rows, config.numAttentionHeads(), config.attentionHeadDim());
  }

  private static long referenceTokens(List<LatentGrid> images) {
    return images.stream().skip(1).mapToLong(LatentGrid::tokens).sum();
  }

  /** Bytes that such a memo takes from its arena. */
  static long bytes(TransformerConfig config, List<Integer> textTokens, List<LatentGrid> images) {
    long inner = config.innerDim();
    long rows = referenceTokens(images);
    boolean apart = config.zeroCondT() && rows > 0;
    long floats = Math.multiplyExact((apart ? 4 : 1) * rows, inner);
    for (int tokens : textTokens) {
      floats += tokens * inner;
    }
    long vectors = (apart ? 1L : 0) + (textTokens.size() > 1 ? 2 : 0);
    floats += vectors * config.numLayers() * Modulation.VECTORS * inner;
    return Math.multiplyExact(floats, (long) Float.BYTES);
  }

  /** Copies the embedded text of a branch to {@code out}, if it is known. */
  boolean recallText(int branch, Tensor out) {
    if (textsKnown.get(branch)) {
      out.copyFrom(texts.get(branch));
    }
    return textsKnown.get(branch);
  }

  void keepText(int branch, Tensor text) {
    texts.get(branch).copyFrom(text);
    textsKnown.set(branch);
  }

  boolean referencesKnown() {
    return referencesKnown;
  }

  /** {@code [R, D]}, embedded. */
  Tensor references() {
    return references;
  }

  void keepReferences(Tensor embedded) {
    references.copyFrom(embedded);
    referencesKnown = true;
  }

  /** As after a whole pass, for counting: nothing is kept. */
  void assumeKnown() {
    firstBlockKnown = query != null;
  }

  boolean firstBlockKnown() {
    return firstBlockKnown;
  }

  /** Copies queries, keys and values of the references in block 0, from one of them on. */
  void recallFirstBlock(
      Compute compute, int[] rows, Tensor outQuery, Tensor outKey, Tensor outValue) {
    recall(compute, rows, outQuery, query);
    recall(compute, rows, outKey, key);
    recall(compute, rows, outValue, value);
  }

  private static void recall(Compute compute, int[] rows, Tensor out, Tensor kept) {
    if (rows == null) {
      out.copyFrom(kept);
    } else {
      inkstone.ops.Rows.gather(compute, out, kept, rows);
    }
  }

  /** Keeps what block 0 made of the references, if references don't follow the timestep. */
  void keepFirstBlock(Tensor freshQuery, Tensor freshKey, Tensor freshValue) {
    if (query != null && !firstBlockKnown) {
      query.copyFrom(freshQuery);
      key.copyFrom(freshKey);
      value.copyFrom(freshValue);
      firstBlockKnown = true;
    }
  }

  /** Copies the modulation of a block to {@code out}, if it is known. */
  boolean recallModulation(
      DitState.Condition condition, int layer, float timestep, Modulation.Vectors out) {
    return switch (condition) {
      case REFERENCE -> atZero != null && atZero.recall(0, layer, 0, out);
      case IMAGE -> atTimestep != null && atTimestep.recall(0, layer, timestep, out);
      case TEXT -> atTimestep != null && atTimestep.recall(1, layer, timestep, out);
    };
  }

  void keepModulation(
      DitState.Condition condition, int layer, float timestep, Modulation.Vectors vectors) {
    if (condition == DitState.Condition.REFERENCE) {
      if (atZero != null) {
        atZero.keep(0, layer, 0, vectors);
      }
    } else if (atTimestep != null) {
      atTimestep.keep(condition == DitState.Condition.IMAGE ? 0 : 1, layer, timestep, vectors);
    }
  }
}
