package inkstone.bench;

import inkstone.model.image.Image;
import inkstone.model.pipeline.CancelToken;
import inkstone.model.pipeline.EditRequest;
import inkstone.model.pipeline.EngineOptions;
import inkstone.model.pipeline.Inkstone;
import inkstone.model.pipeline.Listener;
import inkstone.model.pipeline.ModelFiles;
import inkstone.model.pipeline.Sampling;
import inkstone.model.pipeline.ZeroCondT;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Runs the same edits with many sets of weights in one JVM, for {@code reference/quant_study.py},
 * which makes the weights and judges the pictures. {@code QuantStudy FOLDER STEPS SEED}: reads
 * {@code cases.tsv} (prompt, then width and height of each reference) with the references as raw
 * RGB {@code CASE.I.rgb}, and {@code models.tsv} (name, folder, diffusion model, text encoder,
 * vision tower, VAE; empty where there is none); writes the pictures as {@code NAME.CASE.out}.
 */
public final class QuantStudy {
  private QuantStudy() {}

  /** See the class. */
  public static void main(String[] args) throws Exception {
    Path folder = Path.of(args[0]);
    Sampling sampling = Sampling.of(Integer.parseInt(args[1]), Long.parseLong(args[2]));
    List<EditRequest> requests = requests(folder, sampling);
    EngineOptions options = new EngineOptions(Runtime.getRuntime().availableProcessors());
    for (String line : Files.readAllLines(folder.resolve("models.tsv"))) {
      String[] fields = line.split("\t", -1);
      ModelFiles files =
          new ModelFiles(
              path(fields[1]),
              path(fields[2]),
              path(fields[3]),
              path(fields[4]),
              path(fields[5]),
              null,
              ZeroCondT.AUTO);
      try (Inkstone engine = Inkstone.open(files, options)) {
        for (int i = 0; i < requests.size(); i++) {
          byte[] rgb = engine.edit(requests.get(i), Listener.NONE, new CancelToken()).image().rgb();
          Files.write(folder.resolve(fields[0] + "." + i + ".out"), rgb);
        }
      }
    }
  }

  private static Path path(String text) {
    return text.isEmpty() ? null : Path.of(text);
  }

  private static List<EditRequest> requests(Path folder, Sampling sampling) throws IOException {
    List<EditRequest> requests = new ArrayList<>();
    List<String> lines = Files.readAllLines(folder.resolve("cases.tsv"));
    for (int n = 0; n < lines.size(); n++) {
      String[] fields = lines.get(n).split("\t", -1);
      List<Image> references = new ArrayList<>();
      for (int i = 0; 2 * i + 2 < fields.length; i++) {
        byte[] rgb = Files.readAllBytes(folder.resolve(n + "." + i + ".rgb"));
        references.add(
            new Image(
                Integer.parseInt(fields[2 * i + 1]), Integer.parseInt(fields[2 * i + 2]), rgb));
      }
      requests.add(EditRequest.of(fields[0], references, sampling));
    }
    return requests;
  }
}
