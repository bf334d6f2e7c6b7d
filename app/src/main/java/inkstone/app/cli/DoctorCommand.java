package inkstone.app.cli;

import inkstone.loader.CheckpointException;
import inkstone.model.pipeline.EngineOptions;
import inkstone.model.pipeline.ModelFiles;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Looks at the machine and the model, and tells what to fix. */
@Command(
    name = "doctor",
    header = "Check this machine and a model, and tell what to fix.",
    sortOptions = false,
    footer = {"", "Ends with 0 when all is well, 3 when only the model is unfit, else 1."})
final class DoctorCommand implements Callable<Integer> {
  /** How a check went. */
  enum Status {
    OK,
    /** Works, but slower or smaller than it could. */
    WARN,
    /** Does not work. */
    FIX
  }

  /**
   * One finding.
   *
   * @param fix what to do, or null when nothing is wrong
   */
  record Check(String name, Status status, String found, String fix) {
    static Check ok(String name, String found) {
      return new Check(name, Status.OK, found, null);
    }

    static Check of(String name, boolean ok, Status otherwise, String found, String fix) {
      return ok ? ok(name, found) : new Check(name, otherwise, found, fix);
    }
  }

  private static final int NEEDED_JAVA = 25;

  private final Cli cli;

  @Mixin private ModelOptions model;

  @Option(names = "--json", description = "One JSON object instead of lines")
  private boolean json;

  @Mixin TraceOption trace;

  @Mixin HelpOption help;

  DoctorCommand(Cli cli) {
    this.cli = cli;
  }

  @Override
  public Integer call() {
    List<Check> machine = machine();
    Check modelCheck = model();
    List<Check> all = new ArrayList<>(machine);
    all.add(modelCheck);
    if (json) {
      cli.out().println(JsonText.of(asMap(all)));
    } else {
      all.forEach(this::print);
    }
    if (machine.stream().anyMatch(check -> check.status() == Status.FIX)) {
      return ExitCode.UNEXPECTED;
    }
    return modelCheck.status() == Status.FIX ? ExitCode.MODEL : ExitCode.DONE;
  }

  private static List<Check> machine() {
    List<Check> checks = new ArrayList<>();
    int feature = Runtime.version().feature();
    checks.add(
        Check.of(
            "Java",
            feature >= NEEDED_JAVA,
            Status.FIX,
            Runtime.version()
                + ", "
                + System.getProperty("java.vendor")
                + ", "
                + System.getProperty("java.home"),
            "install a JDK " + NEEDED_JAVA + " or newer and set INKSTONE_JAVA_HOME to its folder"));
    checks.add(
        Check.of(
            "Vector API",
            VectorModule.isPresent(),
            Status.FIX,
            VectorModule.isPresent() ? "module loaded" : "module jdk.incubator.vector is missing",
            "start with ./inkstone on a full JDK, not a reduced runtime"));
    boolean nativeAccess = DoctorCommand.class.getModule().isNativeAccessEnabled();
    checks.add(
        Check.of(
            "native access",
            nativeAccess,
            Status.FIX,
            nativeAccess ? "enabled" : "not enabled",
            "start with ./inkstone, or pass --enable-native-access=ALL-UNNAMED to java"));
    boolean unchecked =
        "0".equals(System.getProperty("jdk.incubator.vector.VECTOR_ACCESS_OOB_CHECK"));
    checks.add(
        Check.of(
            "bounds checks",
            unchecked,
            Status.WARN,
            unchecked ? "off in vector loads" : "on in vector loads: half the speed",
            "start with ./inkstone, which sets VECTOR_ACCESS_OOB_CHECK"));
    String encoding = System.getProperty("sun.jnu.encoding", "?");
    checks.add(
        Check.of(
            "arguments",
            encoding.toUpperCase(Locale.ROOT).startsWith("UTF"),
            Status.WARN,
            encoding + " decodes prompts and file names",
            "set LC_ALL=C.UTF-8: other letters than these are lost"));
    checks.add(
        Check.ok(
            "system",
            System.getProperty("os.name")
                + " "
                + System.getProperty("os.arch")
                + ", "
                + EngineOptions.defaults().threads()
                + " processors for Java"));
    checks.add(Check.ok("memory", memory()));
    return checks;
  }

  private static String memory() {
    String heap =
        String.format(
            Locale.ROOT, "Java heap up to %.1f GB", Runtime.getRuntime().maxMemory() / 1e9);
    if (ManagementFactory.getOperatingSystemMXBean()
        instanceof com.sun.management.OperatingSystemMXBean system) {
      return String.format(
          Locale.ROOT,
          "%.1f GB, %.1f GB free; %s (tensors lie outside it)",
          system.getTotalMemorySize() / 1e9,
          system.getFreeMemorySize() / 1e9,
          heap);
    }
    return heap;
  }

  private Check model() {
    try {
      ModelFiles files = model.resolve(cli);
      try (Engine engine = cli.engines().open(files, EngineOptions.defaults())) {
        return Check.ok("model", files.shown() + ": " + engine.describe());
      }
    } catch (Failure e) {
      showTrace(e);
      return new Check("model", Status.FIX, e.getMessage(), e.nextStep());
    } catch (CheckpointException | RuntimeException | LinkageError e) {
      showTrace(e);
      return new Check(
          "model",
          Status.FIX,
          e instanceof CheckpointException ? e.getMessage() : e.toString(),
          "give another folder with -m, or download the model again");
    }
  }

  private void showTrace(Throwable e) {
    if (trace.verbose) {
      e.printStackTrace(cli.err());
    }
  }

  private void print(Check check) {
    cli.out()
        .println(
            String.format(
                Locale.ROOT,
                "%-5s %-14s %s",
                check.status().name().toLowerCase(Locale.ROOT),
                check.name(),
                check.found()));
    if (check.fix() != null) {
      cli.out().println(" ".repeat(21) + "-> " + check.fix());
    }
  }

  private static Map<String, Object> asMap(List<Check> checks) {
    Map<String, Object> report = new LinkedHashMap<>();
    report.put("version", Version.number());
    report.put("ok", checks.stream().noneMatch(check -> check.status() == Status.FIX));
    report.put(
        "checks",
        checks.stream()
            .map(check -> {
              Map<String, Object> one = new LinkedHashMap<>();
              one.put("name", check.name());
              one.put("status", check.status().name().toLowerCase(Locale.ROOT));
              one.put("found", check.found());
              one.put("fix", check.fix());
              return one;
            })
            .toList());
    return report;
  }
}
