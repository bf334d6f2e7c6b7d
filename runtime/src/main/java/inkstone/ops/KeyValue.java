package inkstone.ops;

import inkstone.tensor.Tensor;

/**
 * Keys and values of some tokens of an attention call, for example those of one reference.
 *
 * @param k {@code [S, Hkv, D]}, F32, BF16 or F16; S may be 0
 * @param v as k; its dtype may be another
 */
public record KeyValue(Tensor k, Tensor v) {}
