package inkstone.model.pipeline;

import inkstone.model.image.Image;

/**
 * What the picture will look like, guessed from the state after a step. Nothing is computed until a
 * method is called, and both methods are valid only inside {@link Listener#step}.
 */
public interface Preview {
  /**
   * A linear projection of the latents, one pixel a latent pixel (an eighth of the size): cheap.
   */
  Image projected();

  /**
   * The predicted clean latents through the VAE decoder, in full size: as slow as the last stage.
   */
  Image decoded();
}
