package inkstone.model.fuzz;

import inkstone.memory.TensorArena;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** A valid file, how to change it, and the code that reads it. */
final class FuzzSubject {
  private final String kind;
  private final Path file;
  private final byte[] valid;
  private final Mutator mutator;
  private final Target target;

  /** Reads the mutant and touches what it got from it. */
  @FunctionalInterface
  interface Target {
    /** Throws nothing but a CheckpointException for any content whatever. */
    void open(TensorArena arena) throws IOException;
  }

  /**
   * A subject.
   *
   * @param kind for the report
   * @param file what is overwritten with mutants; everything beside it stays valid
   * @param target opens the file as a user's command would
   */
  FuzzSubject(String kind, Path file, Mutator mutator, Target target) throws IOException {
    this.kind = kind;
    this.file = file;
    this.valid = Files.readAllBytes(file);
    this.mutator = mutator;
    this.target = target;
  }

  String kind() {
    return kind;
  }

  Path file() {
    return file;
  }

  byte[] valid() {
    return valid;
  }

  Mutator mutator() {
    return mutator;
  }

  Target target() {
    return target;
  }
}
