package inkstone.model.lora;

/**
 * What the adapters of a transformer ask of the buffers of a run, in floats.
 *
 * @param perRow widest product between two factors, for each row
 * @param chunk largest factor that is made on the way
 * @param mid largest product between the factors of a Kronecker product
 * @param out most output channels of an adapted layer
 */
public record LoraNeeds(long perRow, long chunk, long mid, long out) {
  /** No adapters. */
  public static final LoraNeeds NONE = new LoraNeeds(0, 0, 0, 0);

  /** What both need. */
  LoraNeeds and(LoraNeeds other) {
    return new LoraNeeds(
        Math.max(perRow, other.perRow),
        Math.max(chunk, other.chunk),
        Math.max(mid, other.mid),
        Math.max(out, other.out));
  }

  /** Bytes of {@link LoraBuffers} over so many rows. */
  public long bytes(long rows) {
    long floats = Math.multiplyExact(perRow, rows);
    floats = Math.addExact(floats, Math.addExact(2 * chunk, Math.addExact(mid, 2 * out)));
    return Math.multiplyExact(floats, (long) Float.BYTES);
  }
}
