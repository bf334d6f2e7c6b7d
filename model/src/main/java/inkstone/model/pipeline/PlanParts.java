package inkstone.model.pipeline;

import inkstone.loader.CheckpointException;
import inkstone.loader.Weights;
import inkstone.loader.form.PartSource;
import inkstone.memory.TensorArena;
import inkstone.tensor.DType;
import inkstone.tensor.Tensor;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;

/** What the parts of a model take on disk, from their headers. */
final class PlanParts {
  private PlanParts() {}

  static List<PlanPart> of(ModelParts parts) throws CheckpointException {
    List<PlanPart> out = new ArrayList<>();
    try (TensorArena headers = TensorArena.open("headers")) {
      PartSource text = source(headers, parts.text());
      out.add(part("text_encoder", text, parts.text(), name -> !vision(name)));
      PartSource vision =
          parts.vision() == null || parts.vision().path().equals(parts.text().path())
              ? text
              : source(headers, parts.vision());
      boolean shared = vision == text;
      PlanPart tower =
          part(
              "vision_tower",
              vision,
              shared ? parts.text() : parts.vision(),
              name -> !shared || vision(name));
      if (tower.bytes() > 0) {
        out.add(tower);
      }
      out.add(
          part(
              "transformer",
              source(headers, parts.transformer()),
              parts.transformer(),
              name -> true));
      out.add(part("vae", source(headers, parts.vae()), parts.vae(), name -> true));
    }
    return out;
  }

  private static PartSource source(TensorArena headers, PartFile file) throws CheckpointException {
    return PartSource.of(Weights.source(headers, file.path()), file.kind(), file.prefix());
  }

  private static boolean vision(String name) {
    return name.startsWith("visual.") || name.startsWith("model.visual.");
  }

  private static PlanPart part(
      String name, PartSource source, PartFile file, Predicate<String> belongs) {
    Map<DType, Long> dtypes = new EnumMap<>(DType.class);
    long bytes = 0;
    for (String tensorName : source.names()) {
      if (belongs.test(tensorName)) {
        Tensor tensor = source.tensor(tensorName);
        dtypes.merge(tensor.dtype(), tensor.segment().byteSize(), Long::sum);
        bytes += tensor.segment().byteSize();
      }
    }
    return new PlanPart(name, bytes, dtypes, file.files());
  }
}
