package inkstone.model.fuzz;

import java.util.List;
import java.util.SplittableRandom;

/** Changes of the whole numbers of a binary header: counts, types, lengths, sizes, offsets. */
record FieldMutations(List<Field> fields) implements Mutator {
  /** A little-endian number. */
  record Field(int at, int width) {}

  @Override
  public byte[] mutate(byte[] valid, SplittableRandom random) {
    byte[] bytes = valid;
    for (int i = 1 + random.nextInt(2); i > 0; i--) {
      Field field = fields.get(random.nextInt(fields.size()));
      bytes = ByteMutations.number(bytes, field.at(), field.width(), random);
    }
    return bytes;
  }
}
