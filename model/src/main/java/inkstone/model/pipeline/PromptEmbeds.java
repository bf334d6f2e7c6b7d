package inkstone.model.pipeline;

import inkstone.tensor.Tensor;
import java.util.List;

/**
 * What the transformer attends to.
 *
 * @param positive of the prompt: [tokens, jointAttentionDim]
 * @param negative of the negative prompt, with its own number of tokens; null without guidance
 */
record PromptEmbeds(Tensor positive, Tensor negative) {
  /** What each branch attends to. */
  List<Tensor> branches() {
    return negative == null ? List.of(positive) : List.of(positive, negative);
  }

  /** Tokens of each branch. */
  List<Integer> tokens() {
    return branches().stream().map(prompt -> Math.toIntExact(prompt.dim(0))).toList();
  }
}
