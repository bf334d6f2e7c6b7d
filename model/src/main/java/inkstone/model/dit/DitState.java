package inkstone.model.dit;

import inkstone.loader.config.TransformerConfig;
import inkstone.memory.TensorArena;
import inkstone.tensor.Tensor;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/**
 * Every buffer of the forward passes over one sequence [text, target, reference 1, …]: made once
 * for a run, written by each pass, read by nothing but the pass. Its size is known before it is
 * made ({@link QwenImageTransformer#stateBytes}).
 *
 * <p>N tokens = L text + I image, the first T of the image tokens are the target; H heads of d
 * channels, D = H·d. Query, key, value and attention output share memory with the hidden rows of
 * the feed-forward, which are never alive at the same time.
 *
 * <p>It serves one pass at a time. A pass that is cut short leaves it reusable: the next one
 * overwrites everything. It lives as long as the arena it was made in.
 */
public final class DitState {
  /** Rows {@code [from, to)} of the sequence. */
  record Rows(long from, long to) {
    long count() {
      return to - from;
    }

    /** These rows of {@code [N, …]}. */
    Tensor of(Tensor sequence) {
      return sequence.rows(from, to);
    }

    /** These rows of {@code [N, H, d]} as {@code [rows, H·d]}. */
    Tensor flat(Tensor heads) {
      return of(heads).view(count(), heads.dim(1) * heads.dim(2));
    }
  }

  /**
   * A run of rows under one modulation.
   *
   * @param hidden {@code [rows, D]} of the residual stream
   * @param normed {@code [rows, D]}, what goes into a branch
   * @param attended {@code [rows, H·d]}, what the heads gave
   * @param mlpHidden {@code [rows, 4·D]}
   * @param text whether the text's weights are for these rows
   */
  record Span(
      Tensor hidden,
      Tensor normed,
      Tensor attended,
      Tensor mlpHidden,
      Modulation.Vectors modulation,
      boolean text) {}

  /** Token and channel counts from which every buffer follows. */
  private record Sizes(TransformerConfig config, long text, long target, long images) {
    long tokens() {
      return text + images;
    }

    long inner() {
      return config.innerDim();
    }

    long conditions() {
      return config.zeroCondT() ? 2 : 1;
    }
  }

  private enum Buffer {
    HIDDEN,
    NORMED,
    WIDE,
    COS,
    SIN,
    TEXT_NORMED,
    TIME_PROJECTION,
    TIME_HIDDEN,
    TEMB,
    SILU_TEMB,
    TEXT_MODULATION,
    IMAGE_MODULATION,
    NORM_OUT,
    VELOCITY;

    long[] dims(Sizes s) {
      return switch (this) {
        case HIDDEN, NORMED -> dims(s.tokens(), s.inner());
        case WIDE -> dims(s.tokens(), FeedForward.EXPANSION * s.inner());
        case COS, SIN -> dims(s.tokens(), s.config().attentionHeadDim() / 2);
        case TEXT_NORMED -> dims(s.text(), s.config().jointAttentionDim());
        case TIME_PROJECTION -> dims(1, TimestepEmbedding.PROJECTION);
        case TIME_HIDDEN -> dims(1, s.inner());
        case TEMB, SILU_TEMB -> dims(s.conditions(), s.inner());
        case TEXT_MODULATION -> dims(Modulation.VECTORS, s.inner());
        case IMAGE_MODULATION -> dims(s.conditions() * Modulation.VECTORS, s.inner());
        case NORM_OUT -> dims(2, s.inner());
        case VELOCITY -> dims(s.target(), outFeatures(s.config()));
      };
    }

    private static long[] dims(long rows, long columns) {
      return new long[] {rows, columns};
    }
  }

  private final TransformerConfig config;
  private final List<LatentGrid> images;
  private final Rows textRows;
  private final Rows targetRows;
  private final Rows allImageRows;
  private final List<Rows> imageRows = new ArrayList<>();
  private final Map<Buffer, Tensor> buffers = new EnumMap<>(Buffer.class);
  private final List<Modulation.Vectors> imageModulations = new ArrayList<>();
  private final List<Span> spans = new ArrayList<>();

  final Tensor hidden; // [N, D]
  final Tensor normed; // [N, D]
  final Tensor query; // [N, H, d]
  final Tensor key; // [N, H, d]
  final Tensor value; // [N, H, d]
  final Tensor attended; // [N, H, d]
  final Tensor mlpHidden; // [N, 4·D], the same memory as the four above
  final Tensor cos; // [N, d / 2]
  final Tensor sin; // [N, d / 2]
  final Tensor textNormed; // [L, jointAttentionDim]
  final Tensor timeProjection; // [1, 256]
  final Tensor timeHidden; // [1, D]
  final Tensor temb; // [conditions, D]
  final Tensor siluTemb; // [conditions, D]
  final Modulation.Vectors textModulation; // 6 × [D]
  final Tensor normOut; // [2, D]: scale, shift
  final Tensor velocity; // [T, outFeatures]

  DitState(
      TensorArena arena,
      TransformerConfig config,
      AxialRope rope,
      int textTokens,
      List<LatentGrid> grids) {
    Sizes sizes = sizes(config, textTokens, grids);
    this.config = config;
    images = List.copyOf(grids);
    textRows = new Rows(0, textTokens);
    long next = textTokens;
    for (LatentGrid image : images) {
      imageRows.add(new Rows(next, next + image.tokens()));
      next += image.tokens();
    }
    targetRows = imageRows.getFirst();
    allImageRows = new Rows(textTokens, next);

    for (Buffer buffer : Buffer.values()) {
      buffers.put(buffer, Tensor.f32(arena, "DitState." + buffer.name(), buffer.dims(sizes)));
    }
    hidden = buffers.get(Buffer.HIDDEN);
    normed = buffers.get(Buffer.NORMED);
    mlpHidden = buffers.get(Buffer.WIDE);
    query = heads(0, "query");
    key = heads(1, "key");
    value = heads(2, "value");
    attended = heads(3, "attended");
    cos = buffers.get(Buffer.COS);
    sin = buffers.get(Buffer.SIN);
    textNormed = buffers.get(Buffer.TEXT_NORMED);
    timeProjection = buffers.get(Buffer.TIME_PROJECTION);
    timeHidden = buffers.get(Buffer.TIME_HIDDEN);
    temb = buffers.get(Buffer.TEMB);
    siluTemb = buffers.get(Buffer.SILU_TEMB);
    textModulation = new Modulation.Vectors(buffers.get(Buffer.TEXT_MODULATION));
    normOut = buffers.get(Buffer.NORM_OUT);
    velocity = buffers.get(Buffer.VELOCITY);

    boolean referencesApart = config.zeroCondT() && images.size() > 1;
    for (int condition = 0; condition < (referencesApart ? 2 : 1); condition++) {
      long from = (long) condition * Modulation.VECTORS;
      imageModulations.add(
          new Modulation.Vectors(
              buffers.get(Buffer.IMAGE_MODULATION).rows(from, from + Modulation.VECTORS)));
    }
    spans.add(span(textRows, textModulation));
    if (referencesApart) {
      spans.add(span(targetRows, imageModulations.get(0)));
      spans.add(span(new Rows(targetRows.to(), next), imageModulations.get(1)));
    } else {
      spans.add(span(allImageRows, imageModulations.get(0)));
    }
    rope.fill(cos, sin, textTokens, images);
  }

  /** Bytes that the buffers of such a state take from its arena. */
  static long bytes(TransformerConfig config, int textTokens, List<LatentGrid> images) {
    Sizes sizes = sizes(config, textTokens, images);
    long bytes = 0;
    for (Buffer buffer : Buffer.values()) {
      long[] dims = buffer.dims(sizes);
      long elements = Math.multiplyExact(dims[0], dims[1]);
      bytes = Math.addExact(bytes, Math.multiplyExact(elements, (long) Float.BYTES));
    }
    return bytes;
  }

  private static Sizes sizes(TransformerConfig config, int textTokens, List<LatentGrid> images) {
    if (textTokens < 1) {
      throw new IllegalArgumentException(
          "DitState: text tokens, expected 1 or more, got "
              + textTokens
              + "; encode the prompt with its template, even when it is empty");
    }
    if (images.isEmpty()) {
      throw new IllegalArgumentException(
          "DitState: images, expected the target and then its references, got none; name the"
              + " target's size first");
    }
    AxialRope.requireInTable(textTokens, images);
    long tokens = images.stream().mapToLong(LatentGrid::tokens).sum();
    return new Sizes(config, textTokens, images.getFirst().tokens(), tokens);
  }

  static long outFeatures(TransformerConfig config) {
    return (long) config.patchSize() * config.patchSize() * config.outChannels();
  }

  private Tensor heads(int quarter, String name) {
    long tokens = allImageRows.to();
    long heads = config.numAttentionHeads();
    return mlpHidden
        .view(FeedForward.EXPANSION * tokens, heads, config.attentionHeadDim())
        .rows(quarter * tokens, (quarter + 1) * tokens)
        .named("DitState." + name);
  }

  private Span span(Rows rows, Modulation.Vectors modulation) {
    return new Span(
        rows.of(hidden),
        rows.of(normed),
        rows.flat(attended),
        rows.of(mlpHidden),
        modulation,
        modulation == textModulation);
  }

  TransformerConfig config() {
    return config;
  }

  /** The target first, then the references. */
  public List<LatentGrid> images() {
    return images;
  }

  /** Text tokens of the sequence. */
  public long textTokens() {
    return textRows.count();
  }

  /** Target and reference tokens of the sequence. */
  public long imageTokens() {
    return allImageRows.count();
  }

  Rows textRows() {
    return textRows;
  }

  Rows targetRows() {
    return targetRows;
  }

  /** Target and references. */
  Rows allImageRows() {
    return allImageRows;
  }

  /** Of one image: 0 is the target. */
  Rows imageRows(int slot) {
    return imageRows.get(slot);
  }

  List<Span> spans() {
    return spans;
  }

  /** Distinct modulations of image rows: 2 when the references have their own (t = 0). */
  int imageConditions() {
    return imageModulations.size();
  }

  Modulation.Vectors imageModulation(int condition) {
    return imageModulations.get(condition);
  }

  /** {@code [D]}, of the final norm: scale comes first, unlike in the blocks. */
  Tensor scaleOut() {
    return normOut.rows(0, 1).view(normOut.dim(1));
  }

  /** {@code [D]}, of the final norm. */
  Tensor shiftOut() {
    return normOut.rows(1, 2).view(normOut.dim(1));
  }

  /** {@code [1, D]}: condition 0 is the timestep, 1 is t = 0. */
  Tensor siluTemb(int condition) {
    return siluTemb.rows(condition, condition + 1);
  }
}
