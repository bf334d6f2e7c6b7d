package inkstone.model.convert;

import inkstone.loader.write.GgufFields;
import inkstone.loader.write.GgufWriter;
import inkstone.loader.write.OutputException;
import inkstone.loader.write.SafetensorsWriter;
import inkstone.loader.write.TensorSpec;
import inkstone.loader.write.TensorWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * One file to write: where, what, and what is told beside the tensors.
 *
 * @param metadata of a safetensors file
 * @param fields of a GGUF file, or null for safetensors
 */
record NetworkFile(
    Path out,
    String className,
    List<Piece> pieces,
    Map<String, String> metadata,
    GgufFields fields) {
  TensorWriter open(boolean replace) throws OutputException {
    List<TensorSpec> specs = pieces.stream().map(Piece::spec).toList();
    return fields == null
        ? SafetensorsWriter.open(out, specs, metadata, replace)
        : GgufWriter.open(out, specs, fields, replace);
  }

  long bytes() {
    return pieces.stream().mapToLong(piece -> piece.spec().bytes()).sum();
  }
}
