package inkstone.model.pipeline;

import inkstone.model.dit.LatentGrid;
import java.util.ArrayList;
import java.util.function.Predicate;

/**
 * Asks, before a run's first costly stage, whether the memory of every stage will be there, and
 * finds the smallest change that makes it so.
 */
final class RunCheck {
  /** Sides of a smaller picture, in eighths of what was asked. */
  private static final int[] EIGHTHS = {7, 6, 5, 4, 3, 2, 1};

  private static final int MULTIPLE = 16;

  private RunCheck() {}

  /**
   * Refuses a run that won't fit, however little it reuses. What the engine remembers goes first.
   *
   * @throws InsufficientMemoryException saying what would fit
   */
  static void require(
      Run run,
      Components model,
      Denoiser denoiser,
      PlanRequest request,
      RunShape shape,
      VaeTilings tilings) {
    MemoryCheck memory = denoiser.memory();
    long needed = needed(model, denoiser, request, shape, tilings);
    long missing = memory.missingBytes(needed);
    if (missing == 0) {
      return;
    }
    model.cache.makeRoom(missing);
    denoiser.makeRoom(missing);
    if (memory.missingBytes(needed) > 0) {
      long tokens = shape.grids().stream().mapToLong(LatentGrid::tokens).sum();
      memory.require(
          needed,
          "a run of " + tokens + " image tokens",
          advice(model, denoiser, request, bytes -> memory.missingBytes(bytes) == 0));
    }
  }

  /** The most at once, off the heap, with nothing kept from step to step. */
  private static long needed(
      Components model,
      Denoiser denoiser,
      PlanRequest request,
      RunShape shape,
      VaeTilings tilings) {
    PromptEncoder.Need text = RunMemory.text(model, request, shape);
    return RunMemory.of(model, denoiser, shape, tilings, text, 0, 0).required();
  }

  /** What {@link #require} would ask of memory. */
  static long needed(Components model, Denoiser denoiser, PlanRequest request) {
    RunShape shape = RunShape.of(model, request.size(), request.references(), new ArrayList<>());
    return needed(
        model, denoiser, request, shape, RunMemory.tilings(model, denoiser, request, shape));
  }

  /**
   * The smallest change to a request that fits, as options: tiles, a smaller picture of at least
   * half the sides, fewer references, then several together.
   *
   * @param fits whether so many bytes are there
   */
  static String advice(
      Components model, Denoiser denoiser, PlanRequest request, Predicate<Long> fits) {
    Advice search = new Advice(model, denoiser, fits);
    PlanRequest tiled = request.withTiling(VaeTiling.ON);
    String found = null;
    if (request.vaeTiling() != VaeTiling.ON) {
      found = search.tryOne("--vae-tiling on", tiled);
    }
    found = found != null ? found : search.smaller("", request, 4);
    found = found != null ? found : search.fewer("", request);
    found = found != null ? found : search.smaller("", request, 1);
    found = found != null ? found : search.smaller("--vae-tiling on with ", tiled, 1);
    found = found != null ? found : search.fewer("--vae-tiling on with ", tiled);
    found = found != null ? found : search.smallest(tiled);
    return found != null
        ? found
        : "nothing smaller of this model fits; free memory, give a larger --max-ram, or use a machine with"
            + " more";
  }

  private record Advice(Components model, Denoiser denoiser, Predicate<Long> fits) {
    /** The options in words when they fit, else null. */
    String tryOne(String options, PlanRequest request) {
      long bytes = needed(model, denoiser, request);
      return fits.test(bytes) ? options + " fits: it needs about " + MemoryCheck.size(bytes) : null;
    }

    /** A smaller picture, down to so many eighths of its sides. */
    String smaller(String before, PlanRequest request, int least) {
      RunShape shape = RunShape.of(model, request.size(), request.references(), new ArrayList<>());
      for (int eighths : EIGHTHS) {
        int width = shape.size().width() * eighths / 8 / MULTIPLE * MULTIPLE;
        int height = shape.size().height() * eighths / 8 / MULTIPLE * MULTIPLE;
        if (eighths < least || width < MULTIPLE || height < MULTIPLE) {
          return null;
        }
        String found =
            tryOne(
                before + "--size " + width + "x" + height,
                request.withSize(new OutputSize.Exact(width, height)));
        if (found != null) {
          return found;
        }
      }
      return null;
    }

    /** Fewer references, the picture as large as before. */
    String fewer(String before, PlanRequest request) {
      RunShape shape = RunShape.of(model, request.size(), request.references(), new ArrayList<>());
      OutputSize same = new OutputSize.Exact(shape.size().width(), shape.size().height());
      for (int count = request.references().size() - 1; count > 0; count--) {
        String found =
            tryOne(
                before + count + (count == 1 ? " reference" : " references"),
                request.withReferences(count, same));
        if (found != null) {
          return found;
        }
      }
      return null;
    }

    /** One reference and a smaller picture. */
    String smallest(PlanRequest request) {
      return request.references().size() < 2
          ? null
          : smaller(
              "--vae-tiling on with 1 reference and ",
              request.withReferences(
                  1, request.size() instanceof OutputSize.Exact exact ? exact : OutputSize.AUTO),
              1);
    }
  }
}
