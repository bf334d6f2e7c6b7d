/**
 * Pictures as 8-bit RGB and their way into and out of tensors: resampling bit for bit as PIL and
 * PyTorch do it, size rules, pixel normalisation, patches. It reads no files.
 */
package inkstone.model.image;
