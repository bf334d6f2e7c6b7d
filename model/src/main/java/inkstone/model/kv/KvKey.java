package inkstone.model.kv;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/**
 * All that kept keys and values depend on, compared by value: whatever differs makes them a miss.
 *
 * @param weights digest of the transformer's weights and config
 * @param lora digest of the adapters and their scales; empty for none
 * @param branch 0 for the prompt, 1 for the negative prompt
 * @param references in order
 * @param targetHeight rows of tokens of the target
 * @param targetWidth columns of tokens of the target
 * @param textTokens length of the text
 * @param text digest of the prompt's embeddings
 * @param zeroCondT whether references are modulated as at t = 0
 * @param dtype how they are stored
 * @param policy under which they were kept
 * @param mask who may attend to whom
 */
public record KvKey(
    String weights,
    String lora,
    int branch,
    List<ReferenceKey> references,
    int targetHeight,
    int targetWidth,
    long textTokens,
    String text,
    boolean zeroCondT,
    KvDtype dtype,
    KvPolicy policy,
    String mask) {
  public KvKey {
    references = List.copyOf(references);
  }

  /** Names of the components in which {@code other} differs; empty when equal. */
  public List<String> differences(KvKey other) {
    List<String> fields = new ArrayList<>();
    add(fields, "weights", weights, other.weights);
    add(fields, "lora", lora, other.lora);
    add(fields, "branch", branch, other.branch);
    add(fields, "references", references, other.references);
    add(fields, "targetHeight", targetHeight, other.targetHeight);
    add(fields, "targetWidth", targetWidth, other.targetWidth);
    add(fields, "textTokens", textTokens, other.textTokens);
    add(fields, "text", text, other.text);
    add(fields, "zeroCondT", zeroCondT, other.zeroCondT);
    add(fields, "dtype", dtype, other.dtype);
    add(fields, "policy", policy, other.policy);
    add(fields, "mask", mask, other.mask);
    return fields;
  }

  private static void add(List<String> fields, String name, Object mine, Object others) {
    if (!Objects.equals(mine, others)) {
      fields.add(name);
    }
  }
}
