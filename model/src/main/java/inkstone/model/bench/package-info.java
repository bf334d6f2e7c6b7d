/**
 * Measures the layers at the real model's dimensions over random weights: what {@code ./inkstone
 * bench} prints. It times and checks; it computes nothing of its own.
 */
package inkstone.model.bench;
