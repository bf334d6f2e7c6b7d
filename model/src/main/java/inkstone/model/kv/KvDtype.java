package inkstone.model.kv;

import inkstone.tensor.DType;

/** How kept keys and values are stored. */
public enum KvDtype {
  /** As computed. */
  F32(DType.F32),
  BF16(DType.BF16),
  F16(DType.F16),
  /** One scale for each token and head; an element is off by at most half of it. */
  INT8(DType.I8);

  private final DType dtype;

  KvDtype(DType dtype) {
    this.dtype = dtype;
  }

  DType dtype() {
    return dtype;
  }

  /** Bytes of one row of keys or of values, scales included. */
  public long rowBytes(int heads, int headDim) {
    return dtype.bytes((long) heads * headDim) + scaleBytes(heads);
  }

  /** Bytes of one row's scales. */
  long scaleBytes(int heads) {
    return this == INT8 ? (long) Float.BYTES * heads : 0;
  }

  /** The next that takes less memory; this when there is none. */
  public KvDtype smaller() {
    return switch (this) {
      case F32 -> BF16;
      case BF16, F16, INT8 -> INT8;
    };
  }
}
