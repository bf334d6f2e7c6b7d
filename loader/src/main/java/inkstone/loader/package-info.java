/** Bytes on disk become named, typed, shaped tensors; nothing here knows a model. */
package inkstone.loader;
