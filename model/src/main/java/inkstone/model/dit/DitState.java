package inkstone.model.dit;

import inkstone.loader.config.TransformerConfig;
import inkstone.memory.TensorArena;
import inkstone.model.kv.PassCounter;
import inkstone.model.lora.LoraBuffers;
import inkstone.model.lora.LoraNeeds;
import inkstone.ops.Compute;
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

  /** Which modulation a run of rows is under. */
  enum Condition {
    /** The text's own weights, at the timestep. */
    TEXT,
    /** The image's weights, at the timestep. */
    IMAGE,
    /** The image's weights, at t = 0: references of a model with {@code zero_cond_t}. */
    REFERENCE
  }

  /**
   * A run of rows under one modulation.
   *
   * @param hidden {@code [rows, D]} of the residual stream
   * @param normed {@code [rows, D]}, what goes into a branch
   * @param attended {@code [rows, H·d]}, what the heads gave
   * @param mlpHidden {@code [rows, 4·D]}
   */
  record Span(
      Tensor hidden,
      Tensor normed,
      Tensor attended,
      Tensor mlpHidden,
      Modulation.Vectors modulation,
      Condition condition) {
    /** Whether the text's weights are for these rows. */
    boolean text() {
      return condition == Condition.TEXT;
    }
  }

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
    SLICE_COS,
    SLICE_SIN,
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
        case SLICE_COS, SLICE_SIN ->
            dims(s.target() == s.images() ? 0 : s.images(), s.config().attentionHeadDim() / 2);
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

  /** What the passes over this state have done so far. */
  final PassCounter counter = new PassCounter();

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
  final LoraBuffers lora;

  DitState(
      TensorArena arena,
      TransformerConfig config,
      LoraNeeds loras,
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
    lora = new LoraBuffers(arena, loras, sizes.tokens());

    for (int condition = 0; condition < (referencesApart() ? 2 : 1); condition++) {
      long from = (long) condition * Modulation.VECTORS;
      imageModulations.add(
          new Modulation.Vectors(
              buffers.get(Buffer.IMAGE_MODULATION).rows(from, from + Modulation.VECTORS)));
    }
    if (arena.backed()) {
      rope.fill(cos, sin, textTokens, images);
    }
  }

  /** Bytes that the buffers of such a state take from its arena. */
  static long bytes(
      TransformerConfig config, LoraNeeds loras, int textTokens, List<LatentGrid> images) {
    Sizes sizes = sizes(config, textTokens, images);
    long bytes = loras.bytes(sizes.tokens());
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

  /** Whether references have a modulation of their own (t = 0). */
  boolean referencesApart() {
    return config.zeroCondT() && images.size() > 1;
  }

  /** Text, target and references. */
  ActiveRows everything() {
    return active(textRows, allImageRows, allImageRows.of(cos), allImageRows.of(sin));
  }

  /** Text and target. */
  ActiveRows withoutReferences() {
    return active(textRows, targetRows, targetRows.of(cos), targetRows.of(sin));
  }

  /** The target alone. */
  ActiveRows target() {
    return active(new Rows(0, 0), targetRows, targetRows.of(cos), targetRows.of(sin));
  }

  /** One reference alone, 0 for the first. */
  ActiveRows reference(int reference) {
    Rows rows = imageRows.get(reference + 1);
    return active(new Rows(0, 0), rows, rows.of(cos), rows.of(sin));
  }

  /** No rows. */
  ActiveRows nothing() {
    Rows none = new Rows(textRows.to(), textRows.to());
    return active(new Rows(0, 0), none, none.of(cos), none.of(sin));
  }

  /**
   * Text, target, and some reference rows, which lie one after the other behind the target in all
   * buffers. Their positions are copied to tables of their own.
   *
   * @param compute null for the shapes alone
   * @param chosen which of the R reference rows, ascending
   */
  ActiveRows slice(Compute compute, int[] chosen) {
    Rows image = new Rows(targetRows.from(), targetRows.to() + chosen.length);
    return active(
        textRows,
        image,
        sliceTable(compute, Buffer.SLICE_COS, cos, chosen),
        sliceTable(compute, Buffer.SLICE_SIN, sin, chosen));
  }

  private Tensor sliceTable(Compute compute, Buffer buffer, Tensor full, int[] chosen) {
    long target = targetRows.count();
    Tensor table = buffers.get(buffer).rows(0, target + chosen.length);
    if (compute != null) {
      table.rows(0, target).copyFrom(targetRows.of(full));
      inkstone.ops.Rows.gather(
          compute, table.rows(target, table.dim(0)), referenceRows().of(full), chosen);
    }
    return table;
  }

  private ActiveRows active(Rows text, Rows image, Tensor cosTable, Tensor sinTable) {
    List<Span> spans = new ArrayList<>();
    addSpan(spans, text, textModulation, Condition.TEXT);
    Rows target = new Rows(image.from(), Math.clamp(targetRows.to(), image.from(), image.to()));
    if (referencesApart()) {
      addSpan(spans, target, imageModulations.get(0), Condition.IMAGE);
      addSpan(
          spans, new Rows(target.to(), image.to()), imageModulations.get(1), Condition.REFERENCE);
    } else {
      addSpan(spans, image, imageModulations.get(0), Condition.IMAGE);
    }
    return new ActiveRows(text, image, spans, cosTable, sinTable);
  }

  private void addSpan(
      List<Span> spans, Rows rows, Modulation.Vectors modulation, Condition condition) {
    if (rows.count() > 0) {
      spans.add(
          new Span(
              rows.of(hidden),
              rows.of(normed),
              rows.flat(attended),
              rows.of(mlpHidden),
              modulation,
              condition));
    }
  }

  TransformerConfig config() {
    return config;
  }

  /** What the passes over this state have done so far. */
  public PassCounter counter() {
    return counter;
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

  /** Of all references. */
  Rows referenceRows() {
    return new Rows(targetRows.to(), allImageRows.to());
  }

  /** Where the modulation of a condition is written. */
  Modulation.Vectors modulation(Condition condition) {
    return switch (condition) {
      case TEXT -> textModulation;
      case IMAGE -> imageModulations.get(0);
      case REFERENCE -> imageModulations.get(1);
    };
  }

  /** Tokens of the sequence. */
  long tokens() {
    return allImageRows.to();
  }

  /** {@code [D]}, of the final norm: scale comes first, unlike in the blocks. */
  Tensor scaleOut() {
    return normOut.rows(0, 1).view(normOut.dim(1));
  }

  /** {@code [D]}, of the final norm. */
  Tensor shiftOut() {
    return normOut.rows(1, 2).view(normOut.dim(1));
  }

  /** {@code [1, D]}: row 0 is the timestep, row 1 is t = 0. */
  Tensor siluTemb(Condition condition) {
    int row = condition == Condition.REFERENCE ? 1 : 0;
    return siluTemb.rows(row, row + 1);
  }
}
