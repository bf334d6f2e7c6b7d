package inkstone.model.text;

import inkstone.loader.CheckpointException;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/**
 * The byte-pair model: splits a word's bytes into symbols and joins neighbours, always the pair of
 * the lowest rank and of those the leftmost. A heap over a linked list makes a word of n bytes cost
 * n log n. Immutable.
 */
final class BytePairMerger {
  /** A pair of tokens that may be joined, in the order of the merges file. */
  record Merge(String left, String right) {}

  private static final int NONE = -1;

  private final int[] byteIds = new int[256];
  // Open addressing: pair (left id, right id) -> (rank, joined id).
  private final long[] keys;
  private final long[] values;
  private final int mask;

  /**
   * @param where the file of the merges, for messages
   */
  BytePairMerger(Map<String, Integer> vocab, List<Merge> merges, String where)
      throws CheckpointException {
    for (int b = 0; b < 256; b++) {
      byteIds[b] = vocab.getOrDefault(String.valueOf(ByteAlphabet.toChar(b)), NONE);
    }
    int capacity = Integer.highestOneBit(Math.max(2, merges.size()) * 2) * 2;
    keys = new long[capacity];
    values = new long[capacity];
    mask = capacity - 1;
    Arrays.fill(keys, NONE);
    for (int rank = 0; rank < merges.size(); rank++) {
      Merge merge = merges.get(rank);
      int left = require(vocab, merge.left(), rank, where);
      int right = require(vocab, merge.right(), rank, where);
      int joined = require(vocab, merge.left() + merge.right(), rank, where);
      put(pair(left, right), pair(rank, joined));
    }
  }

  private static int require(Map<String, Integer> vocab, String token, int rank, String where)
      throws CheckpointException {
    Integer id = vocab.get(token);
    if (id == null) {
      throw CheckpointException.of(
          "tokenizer: merge "
              + rank
              + ", expected tokens of the vocabulary, got "
              + CheckpointException.quote(token),
          where,
          "vocabulary and merges are of different tokenizers: use the files of one model");
    }
    return id;
  }

  /** Appends the ids of one word; bytes without a token are left out, as the reference does. */
  void encode(byte[] word, IntList out) {
    int[] ids = new int[word.length];
    int size = 0;
    for (byte b : word) {
      int id = byteIds[b & 0xff];
      if (id != NONE) {
        ids[size++] = id;
      }
    }
    if (size > 1) {
      merge(ids, size, out);
    } else if (size == 1) {
      out.add(ids[0]);
    }
  }

  private void merge(int[] ids, int size, IntList out) {
    int[] previous = new int[size];
    int[] next = new int[size];
    LongHeap heap = new LongHeap(size);
    for (int i = 0; i < size; i++) {
      previous[i] = i - 1;
      next[i] = i + 1 < size ? i + 1 : NONE;
      if (i + 1 < size) {
        offer(heap, i, ids[i], ids[i + 1]);
      }
    }
    while (!heap.isEmpty()) {
      long entry = heap.poll(); // (rank, position of the left symbol)
      int at = (int) entry;
      if (ids[at] == NONE || next[at] == NONE) {
        continue;
      }
      int right = next[at];
      long merged = find(pair(ids[at], ids[right]));
      if (merged == NONE || merged >>> 32 != entry >>> 32) {
        continue; // one of the two has since been joined to another
      }
      ids[at] = (int) merged;
      ids[right] = NONE;
      next[at] = next[right];
      if (next[at] != NONE) {
        previous[next[at]] = at;
        offer(heap, at, ids[at], ids[next[at]]);
      }
      if (previous[at] != NONE) {
        offer(heap, previous[at], ids[previous[at]], ids[at]);
      }
    }
    for (int i = 0; i != NONE; i = next[i]) {
      out.add(ids[i]);
    }
  }

  private void offer(LongHeap heap, int at, int left, int right) {
    long merged = find(pair(left, right));
    if (merged != NONE) {
      heap.add((merged & 0xffffffff00000000L) | at);
    }
  }

  private static long pair(int high, int low) {
    return ((long) high << 32) | low;
  }

  private int slot(long key) {
    long mixed = key * 0x9e3779b97f4a7c15L;
    return (int) (mixed >>> 32) & mask;
  }

  /** A pair that comes twice has the rank of its last line, as in the reference. */
  private void put(long key, long value) {
    int i = slot(key);
    while (keys[i] != NONE && keys[i] != key) {
      i = (i + 1) & mask;
    }
    keys[i] = key;
    values[i] = value;
  }

  private long find(long key) {
    for (int i = slot(key); keys[i] != NONE; i = (i + 1) & mask) {
      if (keys[i] == key) {
        return values[i];
      }
    }
    return NONE;
  }

  /** A binary heap of longs, smallest first. */
  private static final class LongHeap {
    private long[] items;
    private int size;

    LongHeap(int capacity) {
      items = new long[Math.max(4, capacity)];
    }

    boolean isEmpty() {
      return size == 0;
    }

    void add(long item) {
      if (size == items.length) {
        items = Arrays.copyOf(items, size * 2);
      }
      int i = size++;
      while (i > 0 && items[(i - 1) >> 1] > item) {
        items[i] = items[(i - 1) >> 1];
        i = (i - 1) >> 1;
      }
      items[i] = item;
    }

    long poll() {
      long top = items[0];
      long item = items[--size];
      int i = 0;
      while (2 * i + 1 < size) {
        int child = 2 * i + 1;
        if (child + 1 < size && items[child + 1] < items[child]) {
          child++;
        }
        if (items[child] >= item) {
          break;
        }
        items[i] = items[child];
        i = child;
      }
      items[i] = item;
      return top;
    }
  }
}
