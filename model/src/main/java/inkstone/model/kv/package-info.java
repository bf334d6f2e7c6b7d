/**
 * The reference-image KV cache: what is kept of the references over the steps of an edit, under
 * which policy, and where it lies. It knows rows, layers and heads, not the transformer.
 */
package inkstone.model.kv;
