package inkstone.model.pipeline;

import inkstone.loader.config.ProcessorConfig;
import inkstone.memory.TensorArena;
import inkstone.model.image.Image;
import inkstone.model.image.Patches;
import inkstone.model.image.Preprocess;
import inkstone.model.text.ImageFeatures;
import inkstone.model.text.PromptTemplate;
import inkstone.model.text.QwenTokenizer;
import inkstone.model.text.TextEncoder;
import inkstone.model.text.VisionTower;
import inkstone.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/** Words and condition pictures to the embeddings that the transformer attends to. */
final class PromptEncoder {
  private final QwenTokenizer tokenizer;
  private final TextEncoder textEncoder;
  private final VisionTower visionTower;
  private final ProcessorConfig processor;

  PromptEncoder(
      QwenTokenizer tokenizer,
      TextEncoder textEncoder,
      VisionTower visionTower,
      ProcessorConfig processor) {
    this.tokenizer = tokenizer;
    this.textEncoder = textEncoder;
    this.visionTower = visionTower;
    this.processor = processor;
  }

  /** The vision tower's view of each picture, once for all prompts of a run. */
  List<ImageFeatures> look(Run run, List<Image> pictures) {
    List<ImageFeatures> features = new ArrayList<>();
    for (Image picture : pictures) {
      try (TensorArena scratch = run.arena.child("pixels")) {
        Patches patches = Preprocess.qwen2Vl(scratch, picture, processor);
        run.taps.tap("pixel_values", patches.pixelValues());
        Tensor embeds =
            visionTower.forward(
                run.arena, patches.pixelValues(), patches.gridH(), patches.gridW(), run.taps);
        run.taps.tap("image_embeds", embeds);
        features.add(new ImageFeatures(embeds, patches.gridH(), patches.gridW()));
      }
    }
    return features;
  }

  /** Embeddings of the prompt and, when guidance runs, of the negative prompt. */
  PromptEmbeds encode(
      Run run,
      PromptTemplate template,
      String prompt,
      String negativePrompt,
      Sampling sampling,
      List<ImageFeatures> pictures) {
    Tensor positive = embed(run, template, prompt, pictures);
    run.taps.tap("prompt_embeds", positive);
    if (!Prompts.guided(run, negativePrompt, sampling)) {
      return new PromptEmbeds(positive, null);
    }
    Tensor negative = embed(run, template, negativePrompt, pictures);
    run.taps.tap("negative_prompt_embeds", negative);
    return new PromptEmbeds(positive, negative);
  }

  /** Embeddings of {@code prompt} without the template's own first tokens: [tokens, hidden]. */
  private Tensor embed(
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
}
