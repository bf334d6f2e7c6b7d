package inkstone.model.text;

import inkstone.memory.TensorArena;
import inkstone.tensor.Tensor;

/**
 * Scratch that all layers of one forward pass share, in the decoder as in the vision tower.
 *
 * @param normed [S, hidden]
 * @param q [S, heads, headDim]
 * @param k [S, keyValueHeads, headDim]
 * @param v [S, keyValueHeads, headDim]
 * @param attention [S, heads, headDim]
 * @param update [S, hidden], what a branch adds to the residual stream
 * @param mlp the feed-forward network's own
 */
record LayerBuffers(
    Tensor normed,
    Tensor q,
    Tensor k,
    Tensor v,
    Tensor attention,
    Tensor update,
    GatedMlp.Buffers mlp) {
  static LayerBuffers of(
      TensorArena arena,
      int tokens,
      long hidden,
      int heads,
      int keyValueHeads,
      int headDim,
      GatedMlp mlp) {
    return new LayerBuffers(
        Tensor.f32(arena, "normed", tokens, hidden),
        Tensor.f32(arena, "q", tokens, heads, headDim),
        Tensor.f32(arena, "k", tokens, keyValueHeads, headDim),
        Tensor.f32(arena, "v", tokens, keyValueHeads, headDim),
        Tensor.f32(arena, "attention", tokens, heads, headDim),
        Tensor.f32(arena, "update", tokens, hidden),
        mlp.buffers(arena, tokens));
  }

  /** [S, heads, headDim] as [S, heads · headDim]. */
  static Tensor flat(Tensor heads) {
    return heads.view(heads.dim(0), heads.dim(1) * heads.dim(2));
  }
}
