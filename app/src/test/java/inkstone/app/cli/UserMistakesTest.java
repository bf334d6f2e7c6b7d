package inkstone.app.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import inkstone.app.cli.CliHarness.Outcome;
import inkstone.loader.Golden;
import inkstone.loader.safetensors.SafetensorsWriter;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What people do to model files: one or two lines, the right code, no trace, no picture. The engine
 * is the real one over a small model.
 */
@Timeout(60)
final class UserMistakesTest {
  private static final Path MODEL = Golden.path("models/full");
  private static final String SHARD =
      "transformer/diffusion_pytorch_model-00002-of-00003.safetensors";
  private static final String VAE = "vae/diffusion_pytorch_model.safetensors";
  private static final String TEXT = "text_encoder/model.safetensors";
  private static final String LFS =
      "version https://git-lfs.github.com/spec/v1\n"
          + "oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\n"
          + "size 9967\n";
  private static final String PAGE =
      "<!DOCTYPE html>\n<html><head><title>403 Forbidden</title></head></html>\n";

  @TempDir Path folder;

  private CliHarness cli;
  private Path model;

  /** What a user did to a good model folder. */
  @FunctionalInterface
  interface Mistake {
    void make(Path model) throws Exception;
  }

  @BeforeEach
  void copyTheModel() throws IOException {
    cli = new CliHarness(folder);
    cli.engines = Engine::open;
    model = folder.resolve("model");
    try (Stream<Path> parts = Files.walk(MODEL)) {
      for (Path part : parts.toList()) {
        Path target = model.resolve(MODEL.relativize(part).toString());
        if (Files.isDirectory(part)) {
          Files.createDirectories(target);
        } else {
          Files.copy(part, target);
        }
      }
    }
  }

  private Outcome generate() {
    return cli.run(
        "generate",
        "-m",
        model,
        "-p",
        "A red circle.",
        "-o",
        cli.output(),
        "--steps",
        1,
        "-s",
        1,
        "-W",
        32,
        "-H",
        32,
        "-t",
        1);
  }

  private void assertRefused(Outcome outcome, int code, String... parts) {
    assertThat(outcome.code()).as(outcome.err()).isEqualTo(code);
    assertThat(outcome.err())
        .startsWith("inkstone: ")
        .satisfies(err -> List.of(parts).forEach(part -> assertThat(err).contains(part)));
    assertThat(outcome.errLines()).hasSizeBetween(1, 2);
    assertThat(outcome.err())
        .doesNotContain("\tat ")
        .doesNotContain("Exception")
        .doesNotContain("run again with -v");
    assertThat(outcome.out()).isEmpty();
  }

  private static Arguments mistake(String what, Mistake mistake, String... parts) {
    return Arguments.of(what, mistake, List.of(parts));
  }

  static Stream<Arguments> mistakes() {
    return Stream.of(
        mistake(
            "VAE in place of the text encoder",
            m -> replace(m.resolve(TEXT), MODEL.resolve(VAE)),
            "embed_tokens.weight",
            "missing"),
        mistake(
            "text encoder in place of the VAE",
            m -> replace(m.resolve(VAE), MODEL.resolve(TEXT)),
            "missing"),
        mistake(
            "text encoder of another model",
            m -> {
              for (String name : List.of("config.json", "model.safetensors")) {
                replace(
                    m.resolve("text_encoder").resolve(name),
                    Golden.tinyModel().resolve("text_encoder").resolve(name));
              }
            },
            "take both from one model"),
        mistake(
            "weights of another model beside the config",
            m -> replace(m.resolve(TEXT), Golden.tinyModel().resolve(TEXT)),
            "expected shape"),
        mistake("half a shard", m -> cut(m.resolve(SHARD)), "00002-of-00003", "cut short"),
        mistake(
            "a shard is missing",
            m -> Files.delete(m.resolve(SHARD)),
            "00002-of-00003",
            "download the missing file"),
        mistake(
            "a shard is still on its way",
            m -> Files.move(m.resolve(SHARD), m.resolve(SHARD + ".incomplete")),
            "00002-of-00003",
            "unfinished download"),
        mistake(
            "the only file is still on its way",
            m -> Files.move(m.resolve(VAE), m.resolve(VAE + ".part")),
            "unfinished download",
            "safetensors.part"),
        mistake("half the only file", m -> cut(m.resolve(VAE)), "cut short: download it again"),
        mistake(
            "Git LFS pointer for weights",
            m -> Files.writeString(m.resolve(VAE), LFS),
            "Git LFS pointer",
            "git lfs pull"),
        mistake(
            "Git LFS pointer for a shard",
            m -> Files.writeString(m.resolve(SHARD), LFS),
            "Git LFS pointer"),
        mistake(
            "Git LFS pointer for the tokenizer",
            m -> Files.writeString(m.resolve("tokenizer/tokenizer.json"), LFS),
            "tokenizer.json",
            "Git LFS pointer"),
        mistake(
            "Git LFS pointer for merges.txt",
            m -> {
              Files.delete(m.resolve("tokenizer/tokenizer.json"));
              Files.delete(m.resolve("tokenizer/tokenizer_config.json"));
              Files.writeString(m.resolve("tokenizer/merges.txt"), LFS);
            },
            "merges.txt",
            "Git LFS pointer"),
        mistake(
            "Git LFS pointer for the index",
            m ->
                Files.writeString(
                    m.resolve("transformer/diffusion_pytorch_model.safetensors.index.json"), LFS),
            "Git LFS pointer"),
        mistake(
            "an error page for weights",
            m -> Files.writeString(m.resolve(VAE), PAGE),
            "a web page",
            "download the file itself"),
        mistake(
            "an error page for a config",
            m -> Files.writeString(m.resolve("vae/config.json"), PAGE),
            "vae/config.json",
            "a web page"),
        mistake("empty weights", m -> Files.write(m.resolve(VAE), new byte[0]), "empty", VAE),
        mistake(
            "an empty config",
            m -> Files.write(m.resolve("vae/config.json"), new byte[0]),
            "vae/config.json",
            "download it again"),
        mistake(
            "a folder in place of weights",
            m -> {
              Files.delete(m.resolve(VAE));
              Files.createDirectory(m.resolve(VAE));
            },
            "got a folder",
            VAE),
        mistake(
            "a component's folder is missing",
            m -> Files.move(m.resolve("vae"), m.resolveSibling("vae")),
            "vae"),
        mistake(
            "no model_index.json",
            m -> Files.delete(m.resolve("model_index.json")),
            "model_index.json"));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("mistakes")
  void aSpoiltModelFolderIsRefused(String what, Mistake mistake, List<String> parts)
      throws Exception {
    mistake.make(model);
    List<String> before = cli.files();

    assertRefused(generate(), ExitCode.MODEL, parts.toArray(String[]::new));

    assertThat(cli.files()).as("files after %s", what).isEqualTo(before);
    Outcome inspect = cli.run("inspect", model);
    assertThat(inspect.code()).isIn(ExitCode.DONE, ExitCode.MODEL);
    if (inspect.code() == ExitCode.DONE && ofNetwork(parts)) {
      assertThat(inspect.out()).as(what).containsAnyOf("problem", "missing", "misshapen");
    } else if (inspect.code() == ExitCode.MODEL) {
      assertRefused(inspect, ExitCode.MODEL);
    }
  }

  /** Whether the mistake is one that headers and configs of the networks show. */
  private static boolean ofNetwork(List<String> parts) {
    return parts.stream()
        .noneMatch(part -> part.matches("tokenizer.json|merges.txt|take both .*|vae"));
  }

  static Stream<Arguments> linksAndPipes() {
    return Stream.of(
        mistake("a link that leads nowhere", m -> link(m.resolve(VAE), m.resolve("gone")), VAE),
        mistake("a link to itself", m -> link(m.resolve(VAE), m.resolve(VAE)), VAE),
        mistake(
            "a link to itself for a config",
            m -> link(m.resolve("vae/config.json"), m.resolve("vae/config.json")),
            "config.json"),
        mistake("a pipe for weights", m -> pipe(m.resolve(VAE)), "device or pipe", VAE),
        mistake(
            "a pipe for a config",
            m -> pipe(m.resolve("vae/config.json")),
            "device or pipe",
            "config.json"),
        mistake(
            "a pipe for merges.txt",
            m -> {
              Files.delete(m.resolve("tokenizer/tokenizer.json"));
              Files.delete(m.resolve("tokenizer/tokenizer_config.json"));
              pipe(m.resolve("tokenizer/merges.txt"));
            },
            "device or pipe",
            "merges.txt"),
        mistake(
            "a device for a shard", m -> link(m.resolve(SHARD), Path.of("/dev/zero")), "00002"));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("linksAndPipes")
  @DisabledOnOs(OS.WINDOWS) // it has other links, and no such pipes
  void linksAndPipesAreRefusedAtOnce(String what, Mistake mistake, List<String> parts)
      throws Exception {
    aSpoiltModelFolderIsRefused(what, mistake, parts);
  }

  @Test
  @DisabledOnOs(OS.WINDOWS) // no such permissions
  void aFileWithoutPermissionIsRefused() throws Exception {
    Path file = model.resolve(VAE);
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("---------"));
    // The system's administrator may read all files.
    assumeThat(Files.isReadable(file)).isFalse();
    assertRefused(generate(), ExitCode.MODEL, "permission denied", VAE);
    Path part = model.resolve("vae");
    Files.setPosixFilePermissions(part, PosixFilePermissions.fromString("---------"));
    assertRefused(generate(), ExitCode.MODEL, "permission denied");
    assertRefused(cli.run("inspect", part), ExitCode.MODEL, "permission denied");
    Files.setPosixFilePermissions(part, PosixFilePermissions.fromString("rwx------"));
  }

  @Test
  void anEmptyFolderIsNoModel() throws Exception {
    Path empty = Files.createDirectory(folder.resolve("empty"));
    Outcome outcome = cli.run("generate", "-m", empty, "-p", "x", "-o", cli.output(), "--steps", 1);
    assertRefused(outcome, ExitCode.MODEL, "model_index.json");
    assertRefused(cli.run("inspect", empty), ExitCode.MODEL, "a folder without");
  }

  @Test
  void aPartInPlaceOfAnotherIsNamed() throws Exception {
    Path dit = model.resolve("transformer");
    Path text = model.resolve("text_encoder"); // its config says what shapes of this size do not
    Path vae = model.resolve(VAE);
    assertRefused(parts(vae, text, vae), ExitCode.MODEL, "--diffusion-model", "the VAE", "--vae");
    assertRefused(parts(dit, dit, vae), ExitCode.MODEL, "--llm", "the diffusion transformer");
    assertRefused(parts(dit, text, text), ExitCode.MODEL, "--vae", "a Qwen2.5-VL text encoder");
    assertRefused(
        parts(adapter("lora.safetensors", 0, 128), text, vae), ExitCode.MODEL, "a LoRA", "--lora");
    assertRefused(parts(model.resolve("vae/config.json"), text, vae), ExitCode.MODEL, "JSON text");
    Path notes = Files.writeString(folder.resolve("notes.gguf"), "This is no checkpoint.");
    assertRefused(parts(notes, text, vae), ExitCode.MODEL, "a text file", "notes.gguf");
    assertThat(Files.exists(cli.output())).isFalse();
  }

  private Outcome parts(Path dit, Path text, Path vae) {
    return cli.run(
        "generate",
        "--diffusion-model",
        dit,
        "--llm",
        text,
        "--vae",
        vae,
        "-p",
        "x",
        "-o",
        cli.output(),
        "--steps",
        1,
        "-W",
        32,
        "-H",
        32,
        "-t",
        1);
  }

  /** A LoRA for one layer of a transformer with so many features. */
  private Path adapter(String name, int block, int features) {
    String layer = "transformer.transformer_blocks." + block + ".attn.to_q.";
    return new SafetensorsWriter()
        .bf16(layer + "lora_A.weight", new float[2 * features], 2, features)
        .bf16(layer + "lora_B.weight", new float[2 * features], features, 2)
        .write(folder.resolve(name));
  }

  @Test
  void aLoraOfAnotherModelIsRefused() throws Exception {
    Path flux =
        new SafetensorsWriter()
            .bf16(
                "transformer.single_transformer_blocks.3.attn.to_q.lora_A.weight",
                new float[8],
                1,
                8)
            .bf16(
                "transformer.single_transformer_blocks.3.attn.to_q.lora_B.weight",
                new float[8],
                8,
                1)
            .write(folder.resolve("flux.safetensors"));
    assertRefused(lora(flux), ExitCode.MODEL, "no key matches", "single_transformer_blocks.3");
    assertRefused(lora(adapter("wide.safetensors", 0, 3072)), ExitCode.MODEL, "3072");
    assertRefused(lora(adapter("deep.safetensors", 59, 8)), ExitCode.MODEL, "no key matches");
    assertRefused(lora(model.resolve(VAE)), ExitCode.MODEL, "no key matches");
    Path pointer = Files.writeString(folder.resolve("pointer.safetensors"), LFS);
    assertRefused(lora(pointer), ExitCode.MODEL, "Git LFS pointer");
    Path page = Files.writeString(folder.resolve("page.safetensors"), PAGE);
    assertRefused(lora(page), ExitCode.MODEL, "a web page");
    Path half = adapter("half.safetensors", 0, 8);
    cut(half);
    assertRefused(lora(half), ExitCode.MODEL, "cut short");
    assertThat(Files.exists(cli.output())).isFalse();

    Outcome inspect = cli.run("inspect", flux, "-m", model);
    assertThat(inspect.code()).isEqualTo(ExitCode.DONE);
    assertThat(inspect.out()).contains("unmatched   1: ").contains("no key matches");
  }

  private Outcome lora(Path file) {
    return cli.run(
        "generate",
        "-m",
        model,
        "--lora",
        file,
        "-p",
        "x",
        "-o",
        cli.output(),
        "--steps",
        1,
        "-W",
        32,
        "-H",
        32,
        "-t",
        1);
  }

  @Test
  void filesAreJudgedByTheirContent() throws Exception {
    List<Arguments> files = new ArrayList<>();
    files.add(named("notes.gguf", "This is no checkpoint.", "a text file"));
    files.add(named("page.safetensors", PAGE, "a web page"));
    files.add(named("page.gguf", "\ufeff\n  " + PAGE, "a web page"));
    files.add(named("pointer.gguf", LFS, "Git LFS pointer"));
    files.add(named("zip.safetensors", "PK\3\4rest of an archive", "PyTorch or zip"));
    files.add(named("empty.gguf", "", "an empty file"));
    files.add(named("short.gguf", "GGUF", "cut short"));
    files.add(named("json.safetensors", "{\"a\": 1}", "JSON text"));
    for (Arguments file : files) {
      Path path = (Path) file.get()[0];
      assertRefused(
          cli.run("inspect", path),
          ExitCode.MODEL,
          (String) file.get()[1],
          path.getFileName().toString());
    }
    // And a good file under another's name is what it is.
    Path disguised = Files.copy(MODEL.resolve(VAE), folder.resolve("vae.gguf"));
    assertThat(cli.run("inspect", disguised).out()).contains("AutoencoderKLQwenImage");
  }

  private Arguments named(String name, String content, String part) throws IOException {
    return Arguments.of(Files.writeString(folder.resolve(name), content), part);
  }

  @Test
  @DisabledOnOs(OS.WINDOWS)
  void oddPathsToInspectAreUsageErrors() throws Exception {
    Path nowhere = folder.resolve("nowhere");
    link(nowhere, folder.resolve("gone"));
    Path loop = folder.resolve("loop");
    link(loop, loop);
    assertRefused(cli.run("inspect", nowhere), ExitCode.USAGE, "a link that leads nowhere");
    assertRefused(cli.run("inspect", loop), ExitCode.USAGE, "a link that leads nowhere");
    assertRefused(cli.run("inspect", folder.resolve("none")), ExitCode.USAGE, "no such file");
    assertRefused(cli.run("inspect", ""), ExitCode.USAGE);
    Path pipe = folder.resolve("pipe.safetensors");
    pipe(pipe);
    assertRefused(cli.run("inspect", pipe), ExitCode.MODEL, "device or pipe");
    assertRefused(
        cli.run("inspect", MODEL, "-m", folder.resolve("none")), ExitCode.USAGE, "-m: no such");
    assertRefused(cli.run("inspect", MODEL, "-m", MODEL.resolve(VAE)), ExitCode.MODEL, "the VAE");
  }

  private static void replace(Path file, Path with) throws IOException {
    Files.delete(file);
    Files.copy(with, file);
  }

  private static void cut(Path file) throws IOException {
    try (RandomAccessFile open = new RandomAccessFile(file.toFile(), "rw")) {
      open.setLength(open.length() / 2);
    }
  }

  private static void link(Path link, Path target) throws IOException {
    Files.deleteIfExists(link);
    Files.createSymbolicLink(link, target);
  }

  private static void pipe(Path path) throws IOException, InterruptedException {
    Files.deleteIfExists(path);
    Process process = new ProcessBuilder("mkfifo", path.toString()).inheritIO().start();
    assertThat(process.waitFor(10, TimeUnit.SECONDS)).isTrue();
    assertThat(process.exitValue()).isZero();
  }
}
