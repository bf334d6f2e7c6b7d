package inkstone.model.kv;

import java.lang.reflect.RecordComponent;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/** Keys that differ in one component. */
public final class KeyMutations {
  private static final ReferenceKey COW = new ReferenceKey("cow", 4, 6, 0);

  /** Every component, and a value that no other key of a test has. */
  public static final Map<String, Object> OTHERS =
      Map.ofEntries(
          Map.entry("weights", "mutated"),
          Map.entry("lora", "mutated"),
          Map.entry("branch", 7),
          Map.entry("references", List.of(COW)),
          Map.entry("targetHeight", 77),
          Map.entry("targetWidth", 77),
          Map.entry("textTokens", 777L),
          Map.entry("text", "mutated"),
          Map.entry("zeroCondT", false),
          Map.entry("dtype", KvDtype.F16),
          Map.entry("policy", new KvPolicy.Rolling(777, 1)),
          Map.entry("mask", "mutated"));

  private KeyMutations() {}

  /** The key with another value in one component. */
  public static KvKey mutated(KvKey key, String name) {
    return with(key, name, OTHERS.get(name));
  }

  /** A copy of a record with another value in one component. */
  public static <T extends Record> T with(T from, String name, Object other) {
    try {
      RecordComponent[] components = from.getClass().getRecordComponents();
      Object[] values = new Object[components.length];
      for (int i = 0; i < values.length; i++) {
        values[i] =
            components[i].getName().equals(name) ? other : components[i].getAccessor().invoke(from);
      }
      Class<?>[] types =
          Arrays.stream(components).map(RecordComponent::getType).toArray(Class<?>[]::new);
      @SuppressWarnings("unchecked") // the constructor of the class of `from`
      T copy = (T) from.getClass().getDeclaredConstructor(types).newInstance(values);
      return copy;
    } catch (ReflectiveOperationException e) {
      throw new LinkageError(e.getMessage(), e);
    }
  }

  static List<String> names(Class<? extends Record> type) {
    return Arrays.stream(type.getRecordComponents()).map(RecordComponent::getName).toList();
  }
}
