/**
 * The diffusion transformer. Start at {@link inkstone.model.dit.QwenImageTransformer}, then {@code
 * TransformerBlock} and {@code JointAttention}; the buffers of a run are a {@link
 * inkstone.model.dit.DitState}.
 */
package inkstone.model.dit;
