package inkstone.app.cli;

import inkstone.loader.TensorSource;
import inkstone.loader.Weights;
import inkstone.loader.safetensors.SafetensorsWriter;
import inkstone.memory.TensorArena;
import inkstone.tensor.Tensor;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;

/** A text encoder's file without its vision tower. */
final class WithoutVision {
  private WithoutVision() {}

  static void write(Path component, Path file) throws IOException {
    SafetensorsWriter writer =
        new SafetensorsWriter()
            .metadata("config", Files.readString(component.resolve("config.json")));
    try (TensorArena arena = TensorArena.open("test")) {
      TensorSource source = Weights.source(arena, component);
      for (String name : source.names()) {
        Tensor tensor = source.tensor(name);
        if (!name.startsWith("visual.")) {
          writer.raw(
              name,
              tensor.dtype(),
              tensor.segment().toArray(ValueLayout.JAVA_BYTE),
              tensor.shape().toArray());
        }
      }
    }
    writer.write(file);
  }
}
