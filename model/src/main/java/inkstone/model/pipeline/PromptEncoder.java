package inkstone.model.pipeline;

import inkstone.loader.config.ProcessorConfig;
import inkstone.memory.TensorArena;
import inkstone.model.image.Patches;
import inkstone.model.image.Preprocess;
import inkstone.model.image.Size;
import inkstone.model.text.ImageFeatures;
import inkstone.model.text.PromptTemplate;
import inkstone.model.text.QwenTokenizer;
import inkstone.model.text.TextEncoder;
import inkstone.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Words and condition pictures to the embeddings that the transformer attends to. */
final class PromptEncoder {
  private final QwenTokenizer tokenizer;
  private final Part<TextNetworks> networks;
  private final ProcessorConfig processor;
  private final ContentCache cache;
  private final DiskCache disk;

  PromptEncoder(
      QwenTokenizer tokenizer,
      Part<TextNetworks> networks,
      ProcessorConfig processor,
      ContentCache cache,
      DiskCache disk) {
    this.tokenizer = tokenizer;
    this.networks = networks;
    this.processor = processor;
    this.cache = cache;
    this.disk = disk;
  }

  /**
   * Embeddings of the prompt and, when guidance runs, of the negative prompt.
   *
   * @param pictures as the text encoder sees them
   */
  PromptEmbeds encode(
      Run run,
      PromptTemplate template,
      String prompt,
      String negativePrompt,
      Sampling sampling,
      List<PictureView> pictures) {
    Look look = new Look(run, pictures);
    Tensor positive = embed(run, template, prompt, look);
    run.taps.tap("prompt_embeds", positive);
    if (!Prompts.guided(run, negativePrompt, sampling)) {
      return new PromptEmbeds(positive, null);
    }
    Tensor negative = embed(run, template, negativePrompt, look);
    run.taps.tap("negative_prompt_embeds", negative);
    return new PromptEmbeds(positive, negative);
  }

  private Tensor embed(Run run, PromptTemplate template, String prompt, Look look) {
    return cache.reuse(
        run,
        () ->
            ContentKey.embeds(
                template, prompt, look.pictures.stream().map(PictureView::seen).toList()),
        () ->
            disk.reuse(
                run,
                CacheKind.PROMPT_EMBEDS,
                diskKey(template, prompt, look.pictures),
                () -> forward(run, template, prompt, look.features())));
  }

  /** All that embeddings depend on besides the model: what is told to it. */
  private String diskKey(PromptTemplate template, String prompt, List<PictureView> pictures) {
    int[] ids = template.truncate(tokenizer.encode(template.apply(prompt, pictures.size())));
    StringBuilder key = new StringBuilder().append(template).append(Arrays.toString(ids));
    pictures.forEach(picture -> key.append('\n').append(picture.seen()));
    return key.toString();
  }

  /** Embeddings of {@code prompt} without the template's own first tokens: [tokens, hidden]. */
  private Tensor forward(
      Run run, PromptTemplate template, String prompt, List<ImageFeatures> pictures) {
    TextEncoder textEncoder = run.hold(networks).encoder();
    int[] ids = tokenizer.encode(template.apply(prompt, pictures.size()));
    ids = template.truncate(ids);
    List<int[]> grids = pictures.stream().map(p -> new int[] {p.gridH(), p.gridW()}).toList();
    ids = textEncoder.expandImagePads(ids, grids);
    if (run.tapped) {
      TapValues.ids(run.arena, run.taps, "input_ids", ids);
    }
    Tensor hidden = textEncoder.forward(run.arena, ids, pictures, run.taps); // [tokens, hidden]
    long kept = Math.min(hidden.dim(0) - template.drop(), template.maxEmbeds());
    return hidden.rows(template.drop(), template.drop() + kept).named("prompt_embeds");
  }

  /**
   * What {@link #encode} takes when nothing is remembered.
   *
   * @param lengths of the prompts
   * @param peak bytes of the run's memory at once
   * @param kept bytes that stay until the run ends
   * @param scratch bytes of the workers
   * @param remembered bytes that the engine keeps for later runs
   */
  record Need(List<TextLength> lengths, long peak, long kept, long scratch, long remembered) {}

  /**
   * Tells the need without reading a weight.
   *
   * @param prompts of each branch of guidance; null stands for one of {@link
   *     PlanRequest#ASSUMED_PROMPT_TOKENS} tokens
   * @param seen sizes of the pictures as the text encoder sees them
   */
  Need need(PromptTemplate template, List<String> prompts, List<Size> seen) {
    return networks.ask(open -> need(open, template, prompts, seen));
  }

  private Need need(
      TextNetworks open, PromptTemplate template, List<String> prompts, List<Size> seen) {
    long kept = 0;
    long peak = 0;
    List<int[]> grids = seen.stream().map(this::grid).toList();
    for (int[] grid : grids) {
      long pixels = open.vision().pixelBytes(grid[0], grid[1]);
      peak = Math.max(peak, kept + pixels + open.vision().forwardBytes(grid[0], grid[1]));
      kept += open.vision().resultBytes(grid[0], grid[1]);
    }
    long scratch = 0;
    long remembered = kept;
    List<TextLength> lengths = new ArrayList<>();
    for (String prompt : prompts) {
      TextLength length = length(open.encoder(), template, prompt, grids);
      peak = Math.max(peak, kept + open.encoder().forwardBytes(length.tokens()));
      kept += open.encoder().resultBytes(length.tokens());
      remembered += open.encoder().resultBytes(length.kept());
      scratch = Math.max(scratch, open.encoder().scratchBytes(length.tokens()));
      lengths.add(length);
    }
    return new Need(lengths, peak, kept, scratch, remembered);
  }

  private TextLength length(
      TextEncoder textEncoder, PromptTemplate template, String prompt, List<int[]> grids) {
    String text = template.apply(prompt == null ? "" : prompt, grids.size());
    int[] ids = textEncoder.expandImagePads(template.truncate(tokenizer.encode(text)), grids);
    int tokens = ids.length;
    if (prompt == null) {
      tokens = Math.min(tokens + PlanRequest.ASSUMED_PROMPT_TOKENS, template.maxTokens());
    }
    return new TextLength(tokens, Math.min(tokens - template.drop(), template.maxEmbeds()));
  }

  /** Bytes of weights that the open text encoder lays out anew. */
  long copiedBytes() {
    return networks.copiedBytes();
  }

  /** Patches of a picture that is seen at that size: height, width. */
  int[] grid(Size seen) {
    Size size = Preprocess.qwen2VlSize(seen, processor);
    return new int[] {size.height() / processor.patchSize(), size.width() / processor.patchSize()};
  }

  /** The vision tower's view of the pictures, once for all prompts of a run that need it. */
  private final class Look {
    private final Run run;
    private final List<PictureView> pictures;
    private List<ImageFeatures> features;

    Look(Run run, List<PictureView> pictures) {
      this.run = run;
      this.pictures = pictures;
    }

    List<ImageFeatures> features() {
      if (features == null) {
        features = pictures.stream().map(this::features).toList();
      }
      return features;
    }

    private ImageFeatures features(PictureView picture) {
      Tensor embeds =
          cache.reuse(
              run,
              () -> ContentKey.features(picture.seen()),
              () ->
                  disk.reuse(
                      run,
                      CacheKind.VISION_FEATURES,
                      picture.seen().toString(),
                      () -> forward(picture)));
      int[] grid = grid(picture.size());
      return new ImageFeatures(embeds, grid[0], grid[1]);
    }

    private Tensor forward(PictureView picture) {
      try (TensorArena scratch = run.arena.child("pixels")) {
        Patches patches = Preprocess.qwen2Vl(scratch, picture.pixels(), processor);
        run.taps.tap("pixel_values", patches.pixelValues());
        Tensor embeds =
            run.hold(networks)
                .vision()
                .forward(
                    run.arena, patches.pixelValues(), patches.gridH(), patches.gridW(), run.taps);
        run.taps.tap("image_embeds", embeds);
        return embeds;
      }
    }
  }
}
