/** Safetensors files and sharded checkpoints, memory-mapped after every header field is checked. */
package inkstone.loader.safetensors;
