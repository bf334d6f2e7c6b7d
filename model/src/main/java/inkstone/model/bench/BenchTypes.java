package inkstone.model.bench;

import inkstone.tensor.DType;
import java.util.List;

/** Weight types of the works; the usual one comes first. */
final class BenchTypes {
  /** Every type that a linear layer reads. */
  static final List<DType> ALL =
      List.of(
          DType.F32,
          DType.BF16,
          DType.F16,
          DType.F8_E4M3,
          DType.F8_E5M2,
          DType.Q8_0,
          DType.Q4_0,
          DType.Q4_1,
          DType.Q5_0,
          DType.Q5_1,
          DType.Q2_K,
          DType.Q3_K,
          DType.Q4_K,
          DType.Q5_K,
          DType.Q6_K,
          DType.IQ4_NL,
          DType.IQ4_XS);

  /** As in the files of the real model. */
  static final List<DType> FILES = List.of(DType.BF16, DType.F16, DType.F32);

  /** Types of the VAE's files. */
  static final List<DType> VAE = List.of(DType.BF16, DType.F16, DType.F32);

  /** Work without weights. */
  static final List<DType> NONE = List.of(DType.F32);

  private BenchTypes() {}
}
