package inkstone.model.kv;

/**
 * One reference as the transformer sees it.
 *
 * @param digest of its latent's bytes
 * @param height rows of tokens
 * @param width columns of tokens
 * @param index its place among the references, from 0, which its positions depend on
 */
public record ReferenceKey(String digest, int height, int width, int index) {}
