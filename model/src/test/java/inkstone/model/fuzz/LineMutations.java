package inkstone.model.fuzz;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.SplittableRandom;

/** Changes of a text file line by line, for merges.txt. */
record LineMutations(List<String> lines) implements Mutator {
  private static final List<String> ODD =
      List.of("", " ", "a", " a", "a ", "a b c", "\u0000 b", "#", "#version: 9", "\ud83d\ude00 x");

  static LineMutations of(String text) {
    return new LineMutations(text.lines().toList());
  }

  @Override
  public byte[] mutate(byte[] valid, SplittableRandom random) {
    List<String> changed = new ArrayList<>(lines);
    for (int i = 1 + random.nextInt(3); i > 0; i--) {
      int at = random.nextInt(changed.size());
      int other = random.nextInt(changed.size());
      switch (random.nextInt(6)) {
        case 0 -> Collections.swap(changed, at, other);
        case 1 -> changed.set(at, ODD.get(random.nextInt(ODD.size())));
        case 2 -> changed.add(at, changed.get(other));
        case 3 -> changed.set(at, changed.get(at) + changed.get(other));
        case 4 -> changed.set(at, "x".repeat(1 << random.nextInt(20)) + " y");
        default -> changed.add(at, (changed.get(at) + "\n").repeat(1 << random.nextInt(14)));
      }
    }
    String end = random.nextBoolean() ? "\n" : random.nextBoolean() ? "\r\n" : "\r";
    return String.join(end, changed).getBytes(StandardCharsets.UTF_8);
  }
}
