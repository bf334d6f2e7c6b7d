package inkstone.model.lora;

/** What a tensor of a LoRA file is to its layer. */
enum LoraPart {
  /** {@code A [rank, in]}. */
  DOWN("lora_A"),
  /** {@code B [out, rank]}. */
  UP("lora_B"),
  /** {@code [out]}, added behind B: peft's {@code lora_bias}. */
  UP_BIAS("lora_B.bias"),
  /** A number that stands over the rank. */
  ALPHA("alpha"),
  /** LoHa's first {@code [out, rank]}. */
  HADA_1A("hada_w1_a"),
  /** LoHa's first {@code [rank, in]}. */
  HADA_1B("hada_w1_b"),
  /** LoHa's second {@code [out, rank]}. */
  HADA_2A("hada_w2_a"),
  /** LoHa's second {@code [rank, in]}. */
  HADA_2B("hada_w2_b"),
  /** LoKr's left factor, whole. */
  KRON_1("lokr_w1"),
  /** … as a product: {@code [left out, rank]}. */
  KRON_1A("lokr_w1_a"),
  /** … {@code [rank, left in]}. */
  KRON_1B("lokr_w1_b"),
  /** LoKr's right factor, whole. */
  KRON_2("lokr_w2"),
  /** … as a product: {@code [right out, rank]}. */
  KRON_2A("lokr_w2_a"),
  /** … {@code [rank, right in]}. */
  KRON_2B("lokr_w2_b"),
  /** Difference of the whole weight {@code [out, in]}. */
  DIFF("diff"),
  /** Difference of the bias {@code [out]}. */
  DIFF_BIAS("diff_b"),
  /** Magnitudes of DoRA, which are not done. */
  DORA("dora_scale"),
  /** The core of a Tucker decomposition, which is not done. */
  TUCKER("lora_mid");

  private final String word;

  LoraPart(String word) {
    this.word = word;
  }

  /** Its most usual ending, for messages. */
  String word() {
    return word;
  }
}
