package inkstone.loader.write;

import inkstone.loader.write.GgufFields.Bytes;
import inkstone.tensor.DType;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** Begins GGUF files of version 3, little-endian, aligned to 32 bytes. */
public final class GgufWriter {
  private static final int ALIGNMENT = 32;
  private static final int VERSION = 3;

  /** ggml itself takes four; ComfyUI-GGUF writes and reads five, for convolutions over time. */
  private static final int MAX_DIMENSIONS = 5;

  private GgufWriter() {}

  /** Whether the format has a number for it; it has none for 8-bit floats. */
  public static boolean holds(DType dtype) {
    return number(dtype) >= 0;
  }

  /**
   * Writes header, metadata and tensor table; the tensors follow in the order of {@code tensors}.
   * Their dimensions are stored last first, as ggml counts them.
   *
   * @param tensors of at most five dimensions
   * @param replace whether an existing file may be replaced
   */
  public static TensorWriter open(
      Path file, List<TensorSpec> tensors, GgufFields fields, boolean replace)
      throws OutputException {
    Bytes header = new Bytes();
    header.bytes("GGUF".getBytes(StandardCharsets.US_ASCII)).u32(VERSION);
    header.u64(tensors.size()).u64(fields.count());
    fields.appendTo(header);
    Set<String> names = new HashSet<>();
    long offset = 0;
    for (TensorSpec tensor : tensors) {
      int rank = tensor.shape().rank();
      if (!holds(tensor.dtype()) || rank > MAX_DIMENSIONS || !names.add(tensor.name())) {
        throw new IllegalArgumentException(
            "GgufWriter: tensors, expected unlike names, types of GGUF and at most "
                + MAX_DIMENSIONS
                + " dimensions, got "
                + tensor.name()
                + " "
                + tensor.dtype()
                + tensor.shape()
                + "; write safetensors");
      }
      header.string(tensor.name()).u32(Math.max(1, rank));
      for (int i = 1; i <= Math.max(1, rank); i++) {
        header.u64(rank == 0 ? 1 : tensor.shape().dim(-i));
      }
      header.u32(number(tensor.dtype())).u64(offset);
      offset = TensorWriter.aligned(offset + tensor.bytes(), ALIGNMENT);
    }
    while (header.size() % ALIGNMENT != 0) {
      header.u8(0);
    }
    return TensorWriter.behind(
        PartialFile.open(file, header.size() + offset, replace),
        MemorySegment.ofArray(header.toByteArray()),
        List.copyOf(tensors),
        ALIGNMENT);
  }

  /** ggml's number of a type, or -1. */
  private static int number(DType dtype) {
    return switch (dtype) {
      case F32 -> 0;
      case F16 -> 1;
      case Q4_0 -> 2;
      case Q4_1 -> 3;
      case Q5_0 -> 6;
      case Q5_1 -> 7;
      case Q8_0 -> 8;
      case Q2_K -> 10;
      case Q3_K -> 11;
      case Q4_K -> 12;
      case Q5_K -> 13;
      case Q6_K -> 14;
      case IQ4_NL -> 20;
      case IQ4_XS -> 23;
      case I8 -> 24;
      case I16 -> 25;
      case I32 -> 26;
      case I64 -> 27;
      case F64 -> 28;
      case BF16 -> 30;
      case F8_E4M3, F8_E5M2, U8, BOOL -> -1;
    };
  }
}
