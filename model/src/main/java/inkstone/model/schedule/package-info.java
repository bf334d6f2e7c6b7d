/**
 * Noise levels of a run and the noise it starts from. It computes in float32, in diffusers' order
 * of operations.
 */
package inkstone.model.schedule;
