/**
 * How far a run that reuses is from one that does not: maps over steps and layers, and differences
 * of pictures. It measures; the pipeline runs.
 */
package inkstone.model.drift;
