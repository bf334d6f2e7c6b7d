/** Checkpoint files to be: header first, then tensor by tensor; whole at the end, or not there. */
package inkstone.loader.write;
