package inkstone.loader;

import java.util.Collections;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Which tensors of a checkpoint a model took. A tensor left over usually means that the config and
 * the weights are of different models. Thread-safe.
 */
public final class WeightsAudit {
  private final Set<String> stored;
  private final Set<String> taken = ConcurrentHashMap.newKeySet();

  WeightsAudit(Set<String> stored) {
    this.stored = stored;
  }

  void take(String storedName) {
    taken.add(storedName);
  }

  /** Names as stored in the file that were read at least once, sorted. */
  public SortedSet<String> read() {
    return Collections.unmodifiableSortedSet(new TreeSet<>(taken));
  }

  /** Names as stored in the file that nobody read, sorted. */
  public SortedSet<String> unread() {
    TreeSet<String> left = new TreeSet<>(stored);
    left.removeAll(taken);
    return Collections.unmodifiableSortedSet(left);
  }

  /** One line: "1933 of 1934 tensors read; not read: a, b, … 3 more". */
  public String describe() {
    SortedSet<String> left = unread();
    StringBuilder line = new StringBuilder();
    line.append(stored.size() - left.size()).append(" of ").append(stored.size());
    line.append(" tensors read");
    String separator = "; not read: ";
    int shown = 0;
    for (String name : left) {
      line.append(separator).append(CheckpointException.quote(name));
      separator = ", ";
      if (++shown == 3 && left.size() > 3) {
        line.append(", … ").append(left.size() - 3).append(" more");
        break;
      }
    }
    return line.toString();
  }
}
