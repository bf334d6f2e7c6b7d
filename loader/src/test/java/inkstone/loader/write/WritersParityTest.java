package inkstone.loader.write;

import static org.assertj.core.api.Assertions.assertThat;

import inkstone.loader.Golden;
import inkstone.loader.TensorSource;
import inkstone.loader.gguf.GgufFile;
import inkstone.loader.safetensors.SafetensorsFile;
import inkstone.memory.TensorArena;
import inkstone.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Our files beside those of gguf-py and safetensors: the same bytes. */
final class WritersParityTest {
  @TempDir Path folder;

  @Test
  void ggufHasTheBytesOfGgufPy() throws Exception {
    Path golden = Golden.path("write/small.gguf");
    Path own = folder.resolve("own.gguf");
    try (TensorArena arena = TensorArena.open("test")) {
      GgufFile read = GgufFile.open(arena, golden);
      GgufFields fields =
          new GgufFields()
              .string("general.architecture", "qwen_image")
              .whole("general.quantization_version", 2)
              .string("text", "naïve \"quoted\"\n€")
              .number("number", 0.1f)
              .flag("yes", true)
              .flag("no", false)
              .strings("words", List.of("a", "", "ß"))
              .wholes("wholes", List.of(16, -24, 0))
              .numbers("numbers", List.of(0.5f, -0.25f));
      List<Tensor> tensors = inOrder(read);
      try (TensorWriter writer = GgufWriter.open(own, specs(tensors), fields, false)) {
        writeInPieces(writer, tensors);
      }
    }
    assertThat(own).hasSameBinaryContentAs(golden);
  }

  @Test
  void safetensorsHasTheBytesOfTheLibrary() throws Exception {
    Path golden = Golden.path("write/small.safetensors");
    Path own = folder.resolve("own.safetensors");
    try (TensorArena arena = TensorArena.open("test")) {
      List<Tensor> tensors = inOrder(SafetensorsFile.open(arena, golden));
      try (TensorWriter writer =
          SafetensorsWriter.open(own, specs(tensors), Map.of("format", "pt"), false)) {
        writeInPieces(writer, tensors);
      }
    }
    assertThat(own).hasSameBinaryContentAs(golden);
  }

  @Test
  void whatIsWrittenReadsBack() throws Exception {
    try (TensorArena arena = TensorArena.open("test")) {
      List<Tensor> tensors = inOrder(GgufFile.open(arena, Golden.path("write/small.gguf")));
      Path own = folder.resolve("again.gguf");
      try (TensorWriter writer =
          GgufWriter.open(
              own, specs(tensors), new GgufFields().whole("n", 4_000_000_000L), false)) {
        writeInPieces(writer, tensors);
      }
      GgufFile again = GgufFile.open(arena, own);
      assertThat(again.typed().whole("n", 0, Long.MAX_VALUE)).isEqualTo(4_000_000_000L);
      for (Tensor tensor : tensors) {
        Tensor read = again.tensor(tensor.name());
        assertThat(read.shape()).isEqualTo(tensor.shape());
        assertThat(read.dtype()).isEqualTo(tensor.dtype());
        assertThat(read.toFloatArray()).containsExactly(tensor.toFloatArray());
      }
      assertThat(Files.size(own) % 32).isZero();
    }
  }

  /** In the order in which they lie in the file. */
  private static List<Tensor> inOrder(TensorSource source) {
    List<Tensor> tensors = new ArrayList<>();
    source.names().forEach(name -> tensors.add(source.tensor(name)));
    tensors.sort(Comparator.comparingLong(tensor -> tensor.segment().address()));
    return tensors;
  }

  private static List<TensorSpec> specs(List<Tensor> tensors) {
    return tensors.stream().map(t -> new TensorSpec(t.name(), t.dtype(), t.shape())).toList();
  }

  private static void writeInPieces(TensorWriter writer, List<Tensor> tensors) throws Exception {
    for (Tensor tensor : tensors) {
      MemorySegment bytes = tensor.segment();
      long middle = bytes.byteSize() / 3;
      writer.write(bytes.asSlice(0, middle));
      writer.write(bytes.asSlice(middle));
    }
    writer.commit();
  }
}
