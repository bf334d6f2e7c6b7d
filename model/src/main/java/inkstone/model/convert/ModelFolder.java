package inkstone.model.convert;

import inkstone.loader.CheckpointException;
import inkstone.loader.config.ModelIndex;
import inkstone.loader.write.OutputException;
import inkstone.loader.write.PartialFile;
import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** What is beside the weights in a model's folder: configs, tokenizer, scheduler, licence. */
final class ModelFolder {
  private static final List<String> WEIGHTS =
      List.of(".safetensors", ".bin", ".pt", ".pth", ".ckpt", ".gguf", ".onnx", ".index.json");

  private static final long LARGEST = 64L << 20;
  private static final int MOST = 1000;

  private ModelFolder() {}

  /** Copies all small files that are no weights; model_index.json comes last. */
  static void copyOthers(ConvertRequest request, Rollback rollback)
      throws CheckpointException, OutputException {
    List<Path> folders = new ArrayList<>();
    for (String part : ModelIndex.read(request.in()).components().keySet()) {
      folders.add(Path.of(part));
    }
    folders.add(Path.of(""));
    for (Path folder : folders) {
      Path from = request.in().resolve(folder);
      Path to = request.out().resolve(folder);
      if (Files.isDirectory(from)) {
        try {
          rollback.folder(to);
          for (Path file : others(from)) {
            copy(file, to.resolve(file.getFileName()), request.force(), rollback);
          }
        } catch (OutputException | CheckpointException e) {
          throw e;
        } catch (IOException e) {
          throw CheckpointException.unreadable(CheckpointException.quote(from), e);
        }
      }
    }
    Path index = Path.of(Input.INDEX);
    try {
      copy(request.in().resolve(index), request.out().resolve(index), request.force(), rollback);
    } catch (OutputException e) {
      throw e;
    } catch (IOException e) {
      throw CheckpointException.unreadable(
          CheckpointException.quote(request.in().resolve(index)), e);
    }
  }

  private static void copy(Path from, Path to, boolean force, Rollback rollback)
      throws IOException {
    byte[] bytes = Files.readAllBytes(from);
    rollback.file(to);
    PartialFile.write(to, bytes, force);
  }

  private static List<Path> others(Path folder) throws IOException {
    List<Path> files = new ArrayList<>();
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(folder)) {
      for (Path entry : entries) {
        String name = entry.getFileName().toString().toLowerCase(Locale.ROOT);
        if (Files.isRegularFile(entry)
            && !name.startsWith(".")
            && !name.equals(Input.INDEX)
            && WEIGHTS.stream().noneMatch(name::endsWith)
            && Files.size(entry) <= LARGEST
            && files.size() < MOST) {
          files.add(entry);
        }
      }
    } catch (DirectoryIteratorException e) {
      throw e.getCause();
    }
    files.sort(null);
    return files;
  }
}
