package inkstone.model.pipeline;

import java.nio.file.Path;

/**
 * Where the user says that the parts of a model lie: a Hugging Face folder, or one path a part, or
 * a folder of which some parts are replaced. Each path is a file, the index of a sharded
 * checkpoint, or a folder with either. What a file is is judged by its content alone.
 *
 * @param folder with a model_index.json; null when every part is given
 * @param diffusionModel the transformer; null for the folder's
 * @param llm the text encoder; null for the folder's
 * @param llmVision the vision tower, where it is not in the text encoder's file; null otherwise
 * @param vae the VAE; null for the folder's
 * @param tokenizer folder of the tokenizer; null for the folder's, the text encoder's, or the
 *     published one
 */
public record ModelFiles(
    Path folder,
    Path diffusionModel,
    Path llm,
    Path llmVision,
    Path vae,
    Path tokenizer,
    ZeroCondT zeroCondT) {

  public ModelFiles {
    if (folder == null && (diffusionModel == null || llm == null || vae == null)) {
      throw new IllegalArgumentException(
          "ModelFiles: expected a folder, or a diffusion model, a text encoder and a VAE, got"
              + " neither; give the missing part");
    }
    if (zeroCondT == null) {
      throw new IllegalArgumentException("ModelFiles: zeroCondT is null, expected AUTO, ON or OFF");
    }
  }

  /** A Hugging Face folder. */
  public static ModelFiles folder(Path folder) {
    return new ModelFiles(folder, null, null, null, null, null, ZeroCondT.AUTO);
  }

  /**
   * One path a part.
   *
   * @param llmVision null when the text encoder's file holds the vision tower, or nothing is edited
   */
  public static ModelFiles split(Path diffusionModel, Path llm, Path llmVision, Path vae) {
    return new ModelFiles(null, diffusionModel, llm, llmVision, vae, null, ZeroCondT.AUTO);
  }

  /** The same with the tokenizer of a folder. */
  public ModelFiles withTokenizer(Path tokenizerFolder) {
    return new ModelFiles(folder, diffusionModel, llm, llmVision, vae, tokenizerFolder, zeroCondT);
  }

  /** The same with references modulated as asked. */
  public ModelFiles withZeroCondT(ZeroCondT choice) {
    return new ModelFiles(folder, diffusionModel, llm, llmVision, vae, tokenizer, choice);
  }

  /** The folder, else the diffusion model: what stands for the model in one word. */
  public Path shown() {
    return folder == null ? diffusionModel : folder;
  }
}
