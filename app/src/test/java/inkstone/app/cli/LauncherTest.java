package inkstone.app.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/**
 * The launcher script in a house of its own: a JDK and a build that are small shell scripts and
 * tell what they were called with.
 */
@DisabledOnOs(OS.WINDOWS)
final class LauncherTest {
  private record Outcome(int code, String out, String err) {}

  @TempDir Path folder;

  private Path home;
  private Path jdk;
  private Path builds;

  @BeforeEach
  void house() throws IOException {
    home = Files.createDirectories(folder.resolve("my house"));
    script(home.resolve("inkstone"), Files.readString(CliHarness.root().resolve("inkstone")));
    for (String module : List.of("runtime", "loader", "model", "app")) {
      Path main = Files.createDirectories(home.resolve(module).resolve("src").resolve("main"));
      old(Files.writeString(main.resolve("A.java"), "class A {}"));
      old(main);
      old(Files.writeString(home.resolve(module).resolve("pom.xml"), "<project/>"));
    }
    old(Files.writeString(home.resolve("pom.xml"), "<project/>"));
    builds = home.resolve("builds.txt");
    script(
        home.resolve("mvnw"),
        """
        #!/bin/sh
        echo "$JAVA_HOME $*" >>builds.txt
        [ -f slow ] && sleep 1
        [ -f broken ] && { echo "[ERROR] A.java:1 what is this" >&2; exit 1; }
        mkdir -p app/target && echo jar >app/target/inkstone.jar
        """);
    jdk = jdk("jdk-25", "25.0.3");
  }

  /** A JDK whose java prints its arguments, folder and locale. */
  private Path jdk(String name, String version) throws IOException {
    Path bin = Files.createDirectories(folder.resolve(name).resolve("bin"));
    script(
        bin.resolve("java"),
        """
        #!/bin/sh
        echo "cwd=$PWD"
        echo "locale=${LC_ALL:-}"
        for word in "$@"; do echo "arg=$word"; done
        exit 7
        """);
    script(bin.resolve("javac"), "#!/bin/sh\n");
    Files.writeString(bin.resolveSibling("release"), "JAVA_VERSION=\"" + version + "\"\n");
    return bin.getParent();
  }

  private static void script(Path path, String text) throws IOException {
    Files.writeString(path, text);
    Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rwxr-xr-x"));
  }

  private static void old(Path path) throws IOException {
    Files.setLastModifiedTime(path, FileTime.from(Instant.now().minusSeconds(3600)));
  }

  private Process start(Map<String, String> more, Path launcher, String... args)
      throws IOException {
    List<String> command = new ArrayList<>(List.of(launcher.toString()));
    command.addAll(List.of(args));
    ProcessBuilder builder = new ProcessBuilder(command).directory(folder.toFile());
    builder.environment().clear();
    builder.environment().put("PATH", "/usr/bin:/bin");
    builder.environment().put("HOME", folder.toString());
    builder.environment().put("LANG", "en_US.UTF-8");
    builder.environment().put("INKSTONE_JAVA_HOME", jdk.toString());
    builder.environment().putAll(more);
    return builder.start();
  }

  private Outcome launch(Map<String, String> more, Path launcher, String... args) throws Exception {
    return end(start(more, launcher, args));
  }

  private Outcome launch(String... args) throws Exception {
    return launch(Map.of(), home.resolve("inkstone"), args);
  }

  private static Outcome end(Process process) throws Exception {
    String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    String err = new String(process.getErrorStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor(20, TimeUnit.SECONDS)).isTrue();
    return new Outcome(process.exitValue(), out, err);
  }

  private int builds() throws IOException {
    return Files.exists(builds) ? Files.readAllLines(builds).size() : 0;
  }

  @Test
  void buildsOnceAndPassesEverythingOn() throws Exception {
    Outcome first = launch("edit", "-p", "two words", "", "*", "夜");
    Outcome second = launch("--version");

    assertThat(first.code()).as(first.err()).isEqualTo(7);
    assertThat(first.err()).contains("inkstone: building");
    assertThat(first.out())
        .contains("cwd=" + folder.toRealPath())
        .contains("arg=-Dinkstone.home=" + home.toRealPath())
        .contains("arg=-Djdk.incubator.vector.VECTOR_ACCESS_OOB_CHECK=0")
        .endsWith("arg=edit\narg=-p\narg=two words\narg=\narg=*\narg=夜\n");
    assertThat(second.err()).isEmpty();
    assertThat(Files.readAllLines(builds))
        .containsExactly(jdk + " -q -B -ntp -Dinkstone.launch package -pl app -am");
  }

  @Test
  void buildsAgainWhenASourceOrAPomIsNewer() throws Exception {
    launch();
    Thread.sleep(20);
    Files.writeString(home.resolve("loader/src/main/A.java"), "class A { }");
    launch();
    Thread.sleep(20);
    Files.writeString(home.resolve("app/pom.xml"), "<project />");
    launch();
    launch();

    assertThat(builds()).isEqualTo(3);
  }

  @Test
  void takesAJarThatMavenBuilt() throws Exception {
    Files.createDirectories(home.resolve("app/target"));
    Files.writeString(home.resolve("app/target/inkstone.jar"), "jar");

    assertThat(launch().code()).isEqualTo(7);

    assertThat(builds()).isZero();
  }

  @Test
  void aFailedBuildIsShownAndTriedAgain() throws Exception {
    Files.createFile(home.resolve("broken"));
    Outcome broken = launch();
    Files.delete(home.resolve("broken"));
    Outcome mended = launch();

    assertThat(broken.code()).isEqualTo(1);
    assertThat(broken.err()).contains("[ERROR] A.java:1").contains("inkstone: the build failed");
    assertThat(broken.out()).isEmpty();
    assertThat(mended.code()).isEqualTo(7);
    assertThat(builds()).isEqualTo(2);
  }

  @Test
  void twoStartsAtOnceBuildOnce() throws Exception {
    Files.createFile(home.resolve("slow"));
    Process one = start(Map.of(), home.resolve("inkstone"));
    Process two = start(Map.of(), home.resolve("inkstone"));

    assertThat(end(one).code()).isEqualTo(7);
    assertThat(end(two).code()).isEqualTo(7);
    assertThat(builds()).isEqualTo(1);
    assertThat(home.resolve("app/target/launch.lock")).doesNotExist();
  }

  @Test
  void aLockWhoseOwnerIsGoneIsTakenOver() throws Exception {
    Process gone = new ProcessBuilder("true").start();
    gone.waitFor();
    Path lock = Files.createDirectories(home.resolve("app/target/launch.lock"));
    Files.writeString(lock.resolve("pid"), gone.pid() + "\n");

    assertThat(launch().code()).isEqualTo(7);
    assertThat(lock).doesNotExist();
  }

  @Test
  void worksThroughLinks() throws Exception {
    Path bin = Files.createDirectories(folder.resolve("bin"));
    Path link = Files.createSymbolicLink(bin.resolve("ink"), Path.of("../my house/inkstone"));
    Path second = Files.createSymbolicLink(folder.resolve("ink2"), link);

    Outcome outcome = launch(Map.of(), second, "doctor");

    assertThat(outcome.code()).as(outcome.err()).isEqualTo(7);
    assertThat(outcome.out()).contains("arg=-Dinkstone.home=" + home.toRealPath());
  }

  @Test
  void findsAJdkByVersionInItsOrder() throws Exception {
    Path seventeen = jdk("jdk-17", "17.0.1");
    Path future = jdk("jdk-26", "26");

    Outcome fallback =
        launch(
            Map.of("INKSTONE_JAVA_HOME", seventeen.toString(), "JAVA_HOME", future.toString()),
            home.resolve("inkstone"));

    assertThat(fallback.code()).as(fallback.err()).isEqualTo(7);
    assertThat(fallback.err()).contains("warning: INKSTONE_JAVA_HOME");
    assertThat(Files.readString(builds)).startsWith(future + " ");
  }

  @Test
  void withoutAJdkItSaysWhichToInstall() throws Exception {
    // No machine of this world has a JDK 900.
    String text = Files.readString(home.resolve("inkstone")).replace("needed=25", "needed=900");
    script(home.resolve("inkstone"), text);

    Outcome outcome = launch(Map.of(), home.resolve("inkstone"));

    assertThat(outcome.code()).isEqualTo(1);
    assertThat(outcome.err()).contains("no JDK 900 or newer found").contains("Java 25 in " + jdk);
    assertThat(outcome.err()).contains("set INKSTONE_JAVA_HOME");
    assertThat(builds()).isZero();
  }

  @Test
  void theLocaleKeepsLettersWhole() throws Exception {
    Outcome utf8 = launch();
    Outcome plain = launch(Map.of("LANG", "C"), home.resolve("inkstone"));
    Outcome overridden =
        launch(Map.of("LANG", "en_US.UTF-8", "LC_ALL", "POSIX"), home.resolve("inkstone"));

    assertThat(utf8.out()).contains("locale=\n");
    assertThat(plain.out()).contains("locale=C.UTF-8\n");
    assertThat(overridden.out()).contains("locale=C.UTF-8\n");
  }
}
