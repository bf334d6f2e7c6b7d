package inkstone.model.pipeline;

import inkstone.model.vae.VaeDecoder;
import inkstone.model.vae.VaeEncoder;

/**
 * Both halves of the VAE.
 *
 * @param encoder null for classes that don't edit
 */
record VaeNetworks(VaeEncoder encoder, VaeDecoder decoder) {}
