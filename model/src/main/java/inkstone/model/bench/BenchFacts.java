package inkstone.model.bench;

/**
 * What one run of a work does.
 *
 * @param flop additions and multiplications
 * @param bytes bytes that must be read or written once
 * @param mappedBytes bytes of weights in mapped files
 */
public record BenchFacts(double flop, double bytes, long mappedBytes) {}
