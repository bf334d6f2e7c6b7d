package inkstone.model.convert;

/** Is told how far a conversion is. */
@FunctionalInterface
public interface ConvertListener {
  /**
   * One tensor on its way.
   *
   * @param file name of the file that it goes to
   * @param tensor its name there
   * @param from type in the source
   * @param to type that is written
   * @param index from 1 to {@code count}
   * @param bytesDone bytes of all files before this tensor, of {@code bytesAll}
   */
  void tensor(
      String file,
      String tensor,
      String from,
      String to,
      int index,
      int count,
      long bytesDone,
      long bytesAll);
}
