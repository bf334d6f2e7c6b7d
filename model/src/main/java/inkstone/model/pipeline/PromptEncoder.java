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
import inkstone.model.text.VisionTower;
import inkstone.tensor.Tensor;
import java.util.List;

/** Words and condition pictures to the embeddings that the transformer attends to. */
final class PromptEncoder {
  private final QwenTokenizer tokenizer;
  private final TextEncoder textEncoder;
  private final VisionTower visionTower;
  private final ProcessorConfig processor;
  private final ContentCache cache;

  PromptEncoder(
      QwenTokenizer tokenizer,
      TextEncoder textEncoder,
      VisionTower visionTower,
      ProcessorConfig processor,
      ContentCache cache) {
    this.tokenizer = tokenizer;
    this.textEncoder = textEncoder;
    this.visionTower = visionTower;
    this.processor = processor;
    this.cache = cache;
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
        () -> forward(run, template, prompt, look.features()));
  }

  /** Embeddings of {@code prompt} without the template's own first tokens: [tokens, hidden]. */
  private Tensor forward(
      Run run, PromptTemplate template, String prompt, List<ImageFeatures> pictures) {
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
          cache.reuse(run, () -> ContentKey.features(picture.seen()), () -> forward(picture));
      Size size = Preprocess.qwen2VlSize(picture.size(), processor);
      int patch = processor.patchSize();
      return new ImageFeatures(embeds, size.height() / patch, size.width() / patch);
    }

    private Tensor forward(PictureView picture) {
      try (TensorArena scratch = run.arena.child("pixels")) {
        Patches patches = Preprocess.qwen2Vl(scratch, picture.pixels(), processor);
        run.taps.tap("pixel_values", patches.pixelValues());
        Tensor embeds =
            visionTower.forward(
                run.arena, patches.pixelValues(), patches.gridH(), patches.gridW(), run.taps);
        run.taps.tap("image_embeds", embeds);
        return embeds;
      }
    }
  }
}
