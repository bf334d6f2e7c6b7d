/** Seeded mutations of valid model files: each mutant opens, or is refused with one line. */
package inkstone.model.fuzz;
