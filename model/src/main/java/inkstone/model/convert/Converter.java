package inkstone.model.convert;

import inkstone.loader.CheckpointException;
import inkstone.loader.write.OutputException;
import inkstone.loader.write.PartialFile;
import inkstone.loader.write.TensorWriter;
import inkstone.memory.TensorArena;
import inkstone.model.convert.ConvertReport.Count;
import inkstone.model.convert.ConvertReport.Written;
import inkstone.parallel.WorkerPool;
import inkstone.tensor.DType;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.function.BooleanSupplier;

/**
 * Converts weights, tensor by tensor, in the memory of a slice of one. Everything that can be wrong
 * with the request or with the headers is found before the first byte is written; whatever fails
 * later leaves no file that was not there before. The same input always gives the same bytes.
 */
public final class Converter {
  private final ConvertRequest request;
  private final ConvertListener listener;
  private final BooleanSupplier cancelled;
  private final List<Written> files = new ArrayList<>();
  private final Map<DType, Count> types = new EnumMap<>(DType.class);
  private long bytesBefore;
  private long bytesDone;

  private Converter(ConvertRequest request, ConvertListener listener, BooleanSupplier cancelled) {
    this.request = request;
    this.listener = listener;
    this.cancelled = cancelled;
  }

  /**
   * Converts.
   *
   * @param cancelled asked between slices; once it is true nothing is kept
   * @throws IllegalArgumentException when output, type and format don't fit together
   * @throws CheckpointException when the input is unfit, or holds a number that the type can't
   * @throws OutputException when the output can't be written
   * @throws java.util.concurrent.CancellationException when {@code cancelled}
   */
  public static ConvertReport convert(
      ConvertRequest request, ConvertListener listener, BooleanSupplier cancelled)
      throws CheckpointException, OutputException {
    return new Converter(request, listener, cancelled).run();
  }

  private ConvertReport run() throws CheckpointException, OutputException {
    long start = System.nanoTime();
    boolean model = Input.isModel(request.in());
    OutputFormat format = OutputNames.format(request, model);
    OutputNames.refuseSame(request);
    List<String> notes;
    Rollback rollback = new Rollback();
    try (TensorArena arena = TensorArena.open("convert")) {
      Planner planner = new Planner(request, format, arena);
      List<NetworkFile> plan = new ArrayList<>();
      for (Input input : Input.open(arena, request.in())) {
        Path out = OutputNames.file(request, format, model, input);
        plan.addAll(planner.plan(input, out, model));
      }
      notes = planner.notes();
      checkOutputs(plan, model);
      writeAll(plan, model, rollback, arena);
      if (model && format == OutputFormat.SAFETENSORS) {
        ModelFolder.copyOthers(request, rollback);
      }
    } catch (IOException | RuntimeException | Error e) {
      rollback.undo(e);
      throw e;
    }
    double seconds = (System.nanoTime() - start) / 1e9;
    return new ConvertReport(files, types, bytesBefore, seconds, notes);
  }

  private void checkOutputs(List<NetworkFile> plan, boolean model) throws OutputException {
    if (model) {
      OutputNames.checkFolder(request);
    } else {
      for (NetworkFile file : plan) {
        PartialFile.check(file.out(), request.force());
      }
    }
  }

  private void writeAll(List<NetworkFile> plan, boolean model, Rollback rollback, TensorArena arena)
      throws CheckpointException, OutputException {
    long bytesAll = plan.stream().mapToLong(NetworkFile::bytes).sum();
    try (WorkerPool pool = new WorkerPool(request.threads())) {
      PieceWriter writer = new PieceWriter(pool, arena, cancelled);
      for (NetworkFile file : plan) {
        if (model) {
          makeFolders(file.out().getParent(), rollback);
        }
        rollback.file(file.out());
        write(file, writer, bytesAll);
      }
    }
  }

  private void makeFolders(Path folder, Rollback rollback) throws OutputException {
    try {
      rollback.folder(request.out());
      rollback.folder(folder);
    } catch (IOException e) {
      throw OutputException.failed(
          "output: the folder can't be made: " + e.getMessage(), "give another name", e);
    }
  }

  private void write(NetworkFile file, PieceWriter writer, long bytesAll)
      throws CheckpointException, OutputException {
    long bytes;
    try (TensorWriter out = file.open(request.force())) {
      int index = 0;
      for (Piece piece : file.pieces()) {
        listener.tensor(
            file.out().getFileName().toString(),
            piece.name(),
            TypeNames.of(piece.source().dtype()),
            TypeNames.of(piece.dtype()),
            ++index,
            file.pieces().size(),
            bytesDone,
            bytesAll);
        writer.write(piece, out);
        long size = piece.spec().bytes();
        types.merge(piece.dtype(), new Count(1, size), (a, _) -> a.plus(size));
        bytesBefore += piece.source().segment().byteSize();
        bytesDone += size;
      }
      bytes = out.position();
      out.commit();
    }
    files.add(new Written(file.out(), file.className(), file.pieces().size(), bytes));
  }
}
