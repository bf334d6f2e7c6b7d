/**
 * AutoencoderKLQwenImage for one frame: pictures to latents and back, whole or tile by tile. Start
 * reading at {@link inkstone.model.vae.VaeDecoder}. Activations are channels last, {@code [H, W,
 * C]}; a causal 3×3×3 convolution of one frame is the 3×3 convolution of its last temporal tap, and
 * the temporal convolutions of the resampling blocks are never reached.
 */
package inkstone.model.vae;
