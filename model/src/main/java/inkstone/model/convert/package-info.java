/** Checkpoints in one form and type become checkpoints in another, tensor by tensor. */
package inkstone.model.convert;
