package inkstone.model.convert;

import inkstone.loader.form.PartKind;
import inkstone.tensor.DType;
import inkstone.tensor.Shape;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;

/**
 * Which type each tensor gets: the first rule of the user that matches; else what {@link
 * DefaultRules} keep; else the type that was asked for. Where rows are no whole number of blocks, a
 * type that fits.
 */
final class TypeChoice {
  private static final Set<DType> INTEGERS =
      EnumSet.of(DType.I64, DType.I32, DType.I16, DType.I8, DType.U8, DType.BOOL);

  private final DType base;
  private final boolean gguf;
  private final PartKind kind;
  private final List<TypeRule> rules;
  private final Set<TypeRule> used;
  private final List<String> notes = new ArrayList<>();
  private int unfit;

  /**
   * @param used gets the rules that matched a tensor
   */
  TypeChoice(DType base, boolean gguf, PartKind kind, List<TypeRule> rules, Set<TypeRule> used) {
    this.base = base;
    this.gguf = gguf;
    this.kind = kind;
    this.rules = rules;
    this.used = used;
  }

  /**
   * The type to write.
   *
   * @param stored the type in the source
   */
  DType choose(String name, DType stored, Shape shape) {
    if (INTEGERS.contains(stored)) {
      return stored;
    }
    DType wish = wish(name, shape);
    long row = shape.rank() == 0 ? 1 : shape.dim(-1);
    DType type = wish;
    while (row % type.blockElements() != 0) {
      type = smaller(type, stored);
    }
    if (type != wish) {
      unfit++;
      if (notes.size() < 3) {
        notes.add(
            name
                + " "
                + shape
                + " is "
                + TypeNames.of(type)
                + ", its rows are no whole blocks of "
                + TypeNames.of(wish));
      }
    }
    return type;
  }

  private DType wish(String name, Shape shape) {
    for (TypeRule rule : rules) {
      if (rule.matches(name)) {
        used.add(rule);
        return rule.type();
      }
    }
    // A safetensors file has one type throughout, as published ones do.
    return gguf ? DefaultRules.type(kind, name, shape, base) : base;
  }

  /** The next type to try: smaller blocks of no fewer bits, then none at all. */
  private static DType smaller(DType type, DType stored) {
    return switch (type) {
      case Q6_K -> DType.Q8_0;
      case Q5_K -> DType.Q5_1;
      case Q4_K -> DType.Q5_0;
      // Without loss where that costs nothing.
      default -> stored == DType.BF16 ? DType.BF16 : DType.F16;
    };
  }

  /** What to tell about the tensors so far. */
  List<String> notes() {
    List<String> all = new ArrayList<>(notes);
    if (unfit > notes.size()) {
      all.add(unfit - notes.size() + " more tensors have another type for their rows' sake");
    }
    return all;
  }
}
