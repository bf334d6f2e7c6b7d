package inkstone.app.cli;

import java.lang.reflect.Method;

/**
 * Loads the Vector API's module when the JVM was started without it.
 *
 * <p>{@code --add-modules jdk.incubator.vector} does the same, but makes every start print a
 * warning that no flag silences, and it keeps the JVM from using its archived module graph, which
 * makes each start slower. The launcher therefore exports the JDK's own loading method to this
 * class. A library user passes {@code --add-modules} as usual.
 */
final class VectorModule {
  private static final String NAME = "jdk.incubator.vector";

  private VectorModule() {}

  /** Makes the module present; must run before any kernel class is touched. */
  static void load() throws Failure {
    if (ModuleLayer.boot().findModule(NAME).isPresent()) {
      return;
    }
    try {
      Method loadModule =
          Class.forName("jdk.internal.module.Modules").getMethod("loadModule", String.class);
      loadModule.invoke(null, NAME);
    } catch (ReflectiveOperationException | RuntimeException e) {
      throw Failure.unexpected(
          "this Java runtime did not load its module " + NAME,
          "start with ./inkstone, or add --add-modules "
              + NAME
              + " to java; a full JDK 25 or newer has it",
          e);
    }
  }

  /** Whether kernels can use it, for {@code doctor}. */
  static boolean isPresent() {
    try {
      Class.forName("jdk.incubator.vector.FloatVector", false, null);
      return true;
    } catch (ClassNotFoundException e) {
      return false;
    }
  }
}
