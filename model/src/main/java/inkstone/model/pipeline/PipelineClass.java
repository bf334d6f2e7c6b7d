package inkstone.model.pipeline;

import inkstone.model.text.PromptTemplate;

/** The pipelines of diffusers that this engine is, chosen by {@code _class_name}. */
enum PipelineClass {
  /** Words to picture. */
  QwenImagePipeline(null),
  /** First-generation Edit: one picture, the same resized pixels for text encoder and VAE. */
  QwenImageEditPipeline(PromptTemplate.EDIT),
  /** Edit-2509 and Edit-2511: several pictures, each in two sizes. */
  QwenImageEditPlusPipeline(PromptTemplate.EDIT_PLUS);

  /** Template of an edit; null where the class can't edit. */
  final PromptTemplate editTemplate;

  PipelineClass(PromptTemplate editTemplate) {
    this.editTemplate = editTemplate;
  }

  boolean edits() {
    return editTemplate != null;
  }
}
