package inkstone.loader.json;

/**
 * What one document may cost.
 *
 * @param documentBytes longest document
 * @param heapBytes estimated heap of what is kept from it
 * @param nameChars longest key
 * @param stringChars longest string value
 */
public record JsonLimits(long documentBytes, long heapBytes, int nameChars, int stringChars) {
  /** Deepest nesting of objects and arrays in any document. */
  public static final int DEPTH = 64;

  /** Longest number in characters; PyTorch and Python write at most 25. */
  public static final int NUMBER_CHARS = 128;

  /** Configs are a few kilobytes; 16 MB leaves room for any of them. */
  public static final JsonLimits CONFIG = new JsonLimits(16L << 20, 64L << 20, 4096, 4 << 20);

  /** A tokenizer of 150,000 tokens takes 11 MB on disk and about 50 MB of heap. */
  public static final JsonLimits DOCUMENT =
      new JsonLimits(100_000_000, 192L << 20, 65_536, 16 << 20);

  /**
   * A safetensors header: the format allows 100 MB, what is kept of it is limited to 24 MB, which
   * with the parser's buffers stays below 64 MB. Qwen-Image's 1,933 tensors need 0.4 MB.
   */
  public static final JsonLimits HEADER = new JsonLimits(100_000_000, 24L << 20, 1024, 4 << 20);
}
