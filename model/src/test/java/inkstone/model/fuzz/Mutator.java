package inkstone.model.fuzz;

import java.util.SplittableRandom;

/** Changes that know the structure of a file; plain changes of bytes are {@link ByteMutations}. */
@FunctionalInterface
interface Mutator {
  /** Knows no structure. */
  Mutator BYTES = ByteMutations::change;

  /** A changed copy; {@code valid} stays as it is. */
  byte[] mutate(byte[] valid, SplittableRandom random);

  /** A mutant: changed structure, changed bytes, or both. */
  default byte[] mutant(byte[] valid, SplittableRandom random) {
    int style = random.nextInt(10);
    byte[] bytes = style < 3 ? valid.clone() : mutate(valid, random);
    int changes = style < 3 ? 1 + random.nextInt(3) : style < 8 ? 0 : 1;
    for (int i = 0; i < changes; i++) {
      bytes = ByteMutations.change(bytes, random);
    }
    return bytes;
  }
}
