package inkstone.model.vae;

import inkstone.memory.Alignment;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * Where each activation of a pass lies in one block of memory. Tensors that are alive at the same
 * time never overlap; the largest are placed first, each as low as it fits, so that the block is
 * hardly larger than what lives at once.
 */
final class MemoryPlan {
  /** The lifetime of the tensor taken at this place in the order of the pass. */
  private static final class Slot {
    final long bytes;
    final int from;
    int to = Integer.MAX_VALUE;
    long offset;

    Slot(long bytes, int from) {
      this.bytes = bytes;
      this.from = from;
    }

    boolean meets(Slot other) {
      return from < other.to && other.from < to;
    }
  }

  /** Notes what a pass takes and gives back. */
  static final class Recorder {
    private final List<Slot> slots = new ArrayList<>();
    private int clock;

    void take(long bytes) {
      slots.add(new Slot(Alignment.up(bytes, Alignment.CACHE_LINE), clock++));
    }

    /** Ends the life of the tensor that was taken as number {@code index}, from 0. */
    void give(int index) {
      slots.get(index).to = clock++;
    }

    MemoryPlan finish() {
      return new MemoryPlan(slots);
    }
  }

  private final List<Slot> slots;
  private final long bytes;

  private MemoryPlan(List<Slot> slots) {
    this.slots = slots;
    List<Slot> placed = new ArrayList<>(); // in rising order of offset
    long end = 0;
    for (Slot slot :
        slots.stream().sorted(Comparator.comparingLong((Slot s) -> s.bytes).reversed()).toList()) {
      for (Slot other : placed) {
        if (other.offset >= slot.offset + slot.bytes) {
          break; // it fits before this one and all that follow
        }
        if (slot.meets(other)) {
          slot.offset = Math.max(slot.offset, other.offset + other.bytes);
        }
      }
      placed.add(slot);
      placed.sort(Comparator.comparingLong(s -> s.offset));
      end = Math.max(end, slot.offset + slot.bytes);
    }
    this.bytes = end;
  }

  /** Bytes of the block. */
  long bytes() {
    return bytes;
  }

  /** Where tensor number {@code index} of the pass begins. */
  long offset(int index) {
    return slots.get(index).offset;
  }

  /** Whether tensor number {@code index} of the pass may have this many bytes. */
  boolean fits(int index, long wanted) {
    return index < slots.size() && wanted <= slots.get(index).bytes;
  }
}
