/** GGUF files: header, typed metadata, tensors, and llama.cpp's names for them. */
package inkstone.loader.gguf;
