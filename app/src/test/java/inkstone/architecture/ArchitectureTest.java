package inkstone.architecture;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Who may depend on whom: the table of ARCHITECTURE.md, as rules. */
final class ArchitectureTest {
  private static final JavaClasses CLASSES =
      new ClassFileImporter()
          .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
          .withImportOption(location -> !location.contains("-tests.jar"))
          .importPackages("inkstone");

  private static final Path ROOT = Path.of(System.getProperty("inkstone.root"));

  @Test
  void everyPackageIsSeen() {
    // A scan that finds nothing would let every rule below pass.
    assertThat(CLASSES.size()).isGreaterThan(120);
    List<String> packages = CLASSES.stream().map(JavaClass::getPackageName).distinct().toList();
    assertThat(packages)
        .contains(
            "inkstone.memory",
            "inkstone.number",
            "inkstone.tensor",
            "inkstone.parallel",
            "inkstone.kernel",
            "inkstone.ops",
            "inkstone.loader",
            "inkstone.loader.config",
            "inkstone.loader.gguf",
            "inkstone.loader.safetensors",
            "inkstone.loader.write",
            "inkstone.model.text",
            "inkstone.model.dit",
            "inkstone.model.kv",
            "inkstone.model.lora",
            "inkstone.model.drift",
            "inkstone.model.vae",
            "inkstone.model.image",
            "inkstone.model.schedule",
            "inkstone.model.pipeline",
            "inkstone.model.bench",
            "inkstone.model.convert",
            "inkstone.model.inspect",
            "inkstone.model.debug",
            "inkstone.app.cli",
            "inkstone.app.image",
            "inkstone.app.report");
  }

  /** Each package, and the only packages of the project that it may use beside itself. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          inkstone.memory         |
          inkstone.parallel       |
          inkstone.number         |
          inkstone.tensor         | inkstone.memory inkstone.number
          inkstone.kernel         | inkstone.memory inkstone.number
          inkstone.ops            | inkstone.tensor inkstone.kernel inkstone.parallel inkstone.memory
          inkstone.loader..       | inkstone.loader.. inkstone.tensor inkstone.memory
          inkstone.model.debug    | inkstone.tensor
          inkstone.model.text     | inkstone.ops inkstone.tensor inkstone.memory inkstone.loader.. inkstone.model.debug
          inkstone.model.vae      | inkstone.ops inkstone.tensor inkstone.memory inkstone.loader.. inkstone.model.debug
          inkstone.model.dit      | inkstone.ops inkstone.tensor inkstone.memory inkstone.loader.. inkstone.model.debug inkstone.model.kv inkstone.model.lora
          inkstone.model.lora     | inkstone.ops inkstone.tensor inkstone.memory inkstone.loader..
          inkstone.model.kv       | inkstone.ops inkstone.tensor inkstone.memory
          inkstone.model.drift    | inkstone.model.image
          inkstone.model.image    | inkstone.tensor inkstone.memory inkstone.loader..
          inkstone.model.schedule | inkstone.ops inkstone.tensor inkstone.memory inkstone.loader..
          inkstone.model.convert  | inkstone.loader.. inkstone.tensor inkstone.memory inkstone.number inkstone.parallel
          inkstone.model.bench    | inkstone.model.text inkstone.model.dit inkstone.model.kv inkstone.model.vae inkstone.model.debug inkstone.loader.. inkstone.ops inkstone.tensor inkstone.memory inkstone.number
          inkstone.model.inspect  | inkstone.model.bench inkstone.model.lora inkstone.model.pipeline inkstone.loader.. inkstone.tensor inkstone.memory
          inkstone.model.pipeline | inkstone.model.. inkstone.loader.. inkstone.ops inkstone.tensor inkstone.memory
          inkstone.app..          | inkstone.app.. inkstone.model.pipeline inkstone.model.kv inkstone.model.lora inkstone.model.drift inkstone.model.bench inkstone.model.convert inkstone.model.inspect inkstone.model.image inkstone.loader.. inkstone.tensor
          """)
  void aPackageUsesOnlyWhatItMay(String from, String allowed) {
    List<String> may = new ArrayList<>(List.of(from));
    if (allowed != null) {
      may.addAll(Arrays.asList(allowed.split(" ")));
    }
    classes()
        .that()
        .resideInAPackage(from)
        .should()
        .onlyDependOnClassesThat(
            JavaClass.Predicates.resideInAnyPackage(may.toArray(String[]::new))
                .or(DescribedPredicate.not(JavaClass.Predicates.resideInAPackage("inkstone.."))))
        .check(CLASSES);
  }

  @Test
  void onlyVectorKernelsImportTheVectorApi() {
    noClasses()
        .that()
        .haveNameNotMatching("inkstone\\.kernel\\.Vector.*")
        .should()
        .dependOnClassesThat()
        .resideInAPackage("jdk.incubator.vector..")
        .check(CLASSES);
  }

  @Test
  void onlyMemoryMakesSegmentsFromAddresses() {
    noClasses()
        .that()
        .resideOutsideOfPackages("inkstone.memory", "inkstone.cuda")
        .should()
        .callMethodWhere(
            DescribedPredicate.describe(
                "makes a segment of an address",
                call ->
                    call.getTargetOwner().isEquivalentTo(MemorySegment.class)
                        && List.of("reinterpret", "ofAddress").contains(call.getName())))
        .check(CLASSES);
  }

  @Test
  void onlyTheCommandLinePrints() {
    noClasses()
        .that()
        .resideOutsideOfPackage("inkstone.app.cli")
        .should()
        .accessField(System.class, "out")
        .orShould()
        .accessField(System.class, "err")
        .check(CLASSES);
  }

  @Test
  void nobodyThrowsBareRuntimeExceptions() {
    noClasses().should().callConstructor(RuntimeException.class, String.class).check(CLASSES);
    noClasses()
        .should()
        .callConstructor(RuntimeException.class, String.class, Throwable.class)
        .check(CLASSES);
    noClasses().should().callConstructor(RuntimeException.class, Throwable.class).check(CLASSES);
    noClasses().should().callConstructor(RuntimeException.class).check(CLASSES);
  }

  @Test
  void nobodyUsesUnsafe() {
    noClasses()
        .should()
        .dependOnClassesThat()
        .haveFullyQualifiedName("sun.misc.Unsafe")
        .orShould()
        .dependOnClassesThat()
        .resideInAPackage("jdk.internal..")
        .check(CLASSES);
  }

  @Test
  void packagesHaveNoCycles() {
    slices().matching("inkstone.(**)").should().beFreeOfCycles().check(CLASSES);
  }

  @Test
  void classesAreFinalOrAbstract() {
    classes()
        .that()
        .areNotInterfaces()
        .and()
        .areNotAnonymousClasses()
        .and()
        .areNotEnums()
        .and(
            DescribedPredicate.describe(
                "are not enum constants", c -> !c.isAssignableTo(Enum.class)))
        .should()
        .haveModifier(JavaModifier.FINAL)
        .orShould()
        .haveModifier(JavaModifier.ABSTRACT)
        .check(CLASSES);
  }

  /**
   * A parity, twin or architecture test that does not run proves nothing, so none may be skippable;
   * nor may a check that is run by name, once somebody runs it.
   */
  @Test
  void testsThatHoldTheReferenceCannotBeSkipped() throws IOException {
    Pattern skips =
        Pattern.compile("@Disabled|@Enabled|\\bAssumptions?\\b|\\bassum(e|ing)\\w*\\(|\\babort\\(");
    int held = 0;
    for (String module : List.of("runtime", "loader", "model", "app")) {
      try (Stream<Path> files = Files.walk(ROOT.resolve(module).resolve("src/test/java"))) {
        for (Path file : files.filter(f -> f.toString().endsWith(".java")).toList()) {
          String name = file.getFileName().toString();
          if (name.endsWith("ParityTest.java")
              || name.endsWith("TwinTest.java")
              || name.endsWith("Check.java")) {
            assertThat(skips.matcher(Files.readString(file)).find())
                .as("skips in %s", file)
                .isFalse();
            held++;
          }
        }
      }
    }
    assertThat(held).isGreaterThanOrEqualTo(15);
  }

  @Test
  void sourceFilesAreSmallAndNameTheirImports() throws IOException {
    List<Path> sources = new ArrayList<>();
    for (String module : List.of("runtime", "loader", "model", "app", "bench")) {
      try (Stream<Path> files = Files.walk(ROOT.resolve(module).resolve("src"))) {
        List<Path> found = files.filter(Files::isRegularFile).toList();
        assertThat(found)
            .filteredOn(f -> f.startsWith(ROOT.resolve(module).resolve("src/main/java")))
            .allMatch(f -> f.toString().endsWith(".java"));
        found.stream().filter(f -> f.toString().endsWith(".java")).forEach(sources::add);
      }
    }
    assertThat(sources).hasSizeGreaterThan(150);
    for (Path source : sources) {
      List<String> lines = Files.readAllLines(source);
      assertThat(lines).as("lines of %s", source).hasSizeLessThanOrEqualTo(800);
      assertThat(lines)
          .as("imports of %s", source)
          .noneMatch(line -> line.startsWith("import") && line.endsWith(".*;"));
    }
  }
}
