package inkstone.model.pipeline;

/**
 * Length of a prompt with its template and pictures.
 *
 * @param tokens that the text encoder reads
 * @param kept rows that the transformer attends to
 */
record TextLength(int tokens, int kept) {}
