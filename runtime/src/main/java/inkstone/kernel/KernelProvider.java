package inkstone.kernel;

import java.lang.System.Logger.Level;

/**
 * Chooses the kernels of this process once and logs one line: the Vector API twins where the JVM
 * has the module {@code jdk.incubator.vector}, the scalar kernels, with a warning, where not.
 */
public final class KernelProvider {
  private static final System.Logger LOG = System.getLogger("inkstone.kernel");
  private static final String BOUNDS_CHECK = "jdk.incubator.vector.VECTOR_ACCESS_OOB_CHECK";

  private KernelProvider() {}

  /** The fastest kernels that this JVM can run. */
  public static Kernels best() {
    return Holder.BEST;
  }

  private static final class Holder {
    static final Kernels BEST = choose();

    private Holder() {}

    /** However the JVM was given the module: by a flag, or by a program that loaded it later. */
    private static boolean vectorApiIsPresent() {
      try {
        Class.forName("jdk.incubator.vector.FloatVector", false, null);
        return true;
      } catch (ClassNotFoundException e) {
        return false;
      }
    }

    private static Kernels choose() {
      if (!vectorApiIsPresent()) {
        LOG.log(
            Level.WARNING,
            "kernels: scalar, some fifty times slower, because the JVM runs without"
                + " --add-modules jdk.incubator.vector");
        return new ScalarKernels();
      }
      // Read once, when the first Vector class is initialised. Ops have checked all bounds; the
      // default costs half of the speed.
      if (System.getProperty(BOUNDS_CHECK) == null) {
        System.setProperty(BOUNDS_CHECK, "0");
      }
      Kernels kernels = new VectorKernels();
      LOG.log(Level.DEBUG, "kernels: {0}", kernels.describe());
      return kernels;
    }
  }
}
