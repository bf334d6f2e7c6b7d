package inkstone.model.convert;

import inkstone.loader.CheckpointException;
import inkstone.loader.write.OutputException;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;

/** Where the files go, and in which format, from what the user said. */
final class OutputNames {
  private OutputNames() {}

  /** The format: as asked, as the name says, or the only one that has the type. */
  static OutputFormat format(ConvertRequest request, boolean model) {
    Path name = request.out().getFileName();
    OutputFormat byName = name == null ? null : OutputFormat.of(name.toString());
    boolean blocks = request.type().blockElements() > 1;
    if (model && byName != null) {
      throw new IllegalArgumentException(
          "convert: output of a whole model, expected a folder, got "
              + request.out()
              + "; name a folder, or convert one of the model's folders");
    }
    OutputFormat format = request.format() != null ? request.format() : byName;
    if (format == null && model) {
      format = blocks ? OutputFormat.GGUF : OutputFormat.SAFETENSORS;
    }
    if (format == null) {
      throw new IllegalArgumentException(
          "convert: format, expected an output that ends in .safetensors or .gguf, got "
              + request.out()
              + "; name it so, or add --format");
    }
    if (byName != null && byName != format) {
      throw new IllegalArgumentException(
          "convert: format, expected "
              + format.suffix()
              + " as asked, got the name of a "
              + byName.suffix()
              + " file; make the two agree");
    }
    if (blocks && format == OutputFormat.SAFETENSORS) {
      throw new IllegalArgumentException(
          "convert: type, expected bf16, f16 or f32 in safetensors, got "
              + TypeNames.of(request.type())
              + "; write GGUF, which has it");
    }
    return format;
  }

  /** The file of one network. */
  static Path file(ConvertRequest request, OutputFormat format, boolean model, Input input) {
    if (!model) {
      return request.out();
    }
    if (format == OutputFormat.GGUF) {
      return request.out().resolve(input.name() + ".gguf");
    }
    boolean text = input.name().equals("text_encoder");
    String name = text ? "model.safetensors" : "diffusion_pytorch_model.safetensors";
    return request.out().resolve(input.name()).resolve(name);
  }

  /** An existing folder must be empty, or may be filled over. */
  static void checkFolder(ConvertRequest request) throws OutputException {
    Path out = request.out();
    Path parent = out.toAbsolutePath().getParent();
    if (parent == null || !Files.isDirectory(parent)) {
      throw OutputException.refused(
          "output: no such folder: " + CheckpointException.quote(String.valueOf(parent)),
          "make it first");
    }
    if (Files.exists(out) && !Files.isDirectory(out)) {
      throw OutputException.refused(
          "output: expected a folder, got a file (" + CheckpointException.quote(out) + ")",
          "give another name");
    }
    if (!request.force() && Files.isDirectory(out) && !isEmpty(out)) {
      throw OutputException.refused(
          "output: the folder is not empty: " + CheckpointException.quote(out),
          "--force replaces the files in it that have the same names; or give another name");
    }
  }

  private static boolean isEmpty(Path folder) throws OutputException {
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(folder)) {
      return !entries.iterator().hasNext();
    } catch (IOException e) {
      throw OutputException.failed(
          "output: the folder can't be read: " + e.getMessage(), "give another name", e);
    }
  }

  /** Nothing is converted onto itself: after a failure there would be no source. */
  static void refuseSame(ConvertRequest request) throws OutputException {
    try {
      if (Files.exists(request.out()) && Files.isSameFile(request.in(), request.out())) {
        throw OutputException.refused(
            "output: it is the input (" + CheckpointException.quote(request.out()) + ")",
            "give another name");
      }
    } catch (OutputException e) {
      throw e;
    } catch (IOException e) {
      throw OutputException.failed(
          "output: can't be looked at: " + e.getMessage(), "give another name", e);
    }
  }
}
