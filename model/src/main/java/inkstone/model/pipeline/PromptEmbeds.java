package inkstone.model.pipeline;

import inkstone.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/**
 * What the transformer attends to.
 *
 * @param positive of the prompt: [tokens, jointAttentionDim]
 * @param negative of the negative prompt, with its own number of tokens; null without guidance
 */
record PromptEmbeds(Tensor positive, Tensor negative) {
  /** Tokens of each branch. */
  List<Integer> tokens() {
    List<Integer> tokens = new ArrayList<>();
    tokens.add(Math.toIntExact(positive.dim(0)));
    if (negative != null) {
      tokens.add(Math.toIntExact(negative.dim(0)));
    }
    return tokens;
  }
}
