package inkstone.model.pipeline;

import inkstone.loader.CheckpointException;
import inkstone.loader.config.TransformerConfig;
import inkstone.memory.TensorArena;
import inkstone.model.bench.TextFlop;
import inkstone.model.bench.VaeShapes;
import inkstone.model.dit.LatentGrid;
import inkstone.model.image.Size;
import inkstone.model.kv.KvDtype;
import inkstone.model.kv.KvPolicy;
import inkstone.model.vae.Tiling;
import inkstone.ops.Compute;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * Tells what a run would take. It opens the model on an arena that only counts, so that no weight
 * is read, and asks the code that will allocate and compute.
 */
final class Planner {
  private final Components model;
  private final Denoiser denoiser;
  private final RefCache engineDefault;
  private final List<String> warnings = new ArrayList<>();

  private Planner(Components model, Denoiser denoiser, RefCache engineDefault) {
    this.model = model;
    this.denoiser = denoiser;
    this.engineDefault = engineDefault;
  }

  static Plan plan(ModelFiles files, EngineOptions options, PlanRequest request)
      throws CheckpointException {
    try (Compute compute = Compute.open(options.threads());
        Components model =
            new Components(
                compute, files, options, TensorArena.counting("weights"), options.ramBytes());
        ReferenceBank bank = new ReferenceBank(options.bankBytes())) {
      if (!request.references().isEmpty()) {
        Inkstone.requireEdits(model);
      }
      Denoiser denoiser = new Denoiser(compute, model, bank);
      return new Planner(model, denoiser, options.refCache())
          .plan(request, Inkstone.describe(model, compute));
    }
  }

  private Plan plan(PlanRequest request, String engine) throws CheckpointException {
    RunShape shape = RunShape.of(model, request.size(), request.references(), warnings);
    VaeTilings tilings = RunMemory.tilings(model, denoiser, request, shape);
    PromptEncoder.Need text = RunMemory.text(model, request, shape);
    List<Integer> tokens = text.lengths().stream().map(TextLength::kept).toList();
    List<LatentGrid> grids = shape.grids();

    // 1. Whether it fits with nothing kept
    RunMemory least = RunMemory.of(model, denoiser, shape, tilings, text, 0, 0);
    MemoryCheck memory = denoiser.memory();
    long copied = model.promptEncoder.copiedBytes() + copiedBytes(Stage.DECODE);
    long available = memory.availableBytes();
    long required = least.required() + copied;
    String advice =
        required <= available
            ? null
            : RunCheck.advice(model, denoiser, request, bytes -> bytes + copied <= available);

    // 2. What steps reuse with the rest
    RefCache wish = request.refCache() == null ? engineDefault : request.refCache();
    ReuseChoice choice =
        advice == null
            ? ReuseChoice.of(warnings, denoiser, wish, tokens, grids, available - required)
            : ReuseChoice.off();
    boolean banked = choice.policy() instanceof KvPolicy.Causal causal && causal.bank();
    long keys = banked ? keyBytes(choice.policy(), choice.dtype(), grids, tokens.size()) : 0;
    RunMemory run = RunMemory.of(model, denoiser, shape, tilings, text, choice.bytes(), keys);
    Plan.Steps steps =
        PlanSteps.of(
            model.transformerConfig,
            grids,
            choice,
            tokens,
            denoiser
                .schedule(request.sampling(), Math.toIntExact(grids.getFirst().tokens()))
                .sigmas());

    long process = ProcessMemory.anonymousBytesInRun();
    return new Plan(
        engine,
        shape.size(),
        shape.vaeSizes(),
        text.lengths().stream().map(TextLength::tokens).toList(),
        grids.stream().mapToLong(LatentGrid::tokens).sum(),
        PlanParts.of(model.parts),
        copied,
        run.latents(),
        stages(run, process, shape, tilings, text, steps),
        new Plan.Reuse(
            choice.policy().word(), choice.dtype(), choice.approximate(), choice.bytes()),
        caches(wish.policy(), grids, tokens),
        steps,
        process,
        available,
        required,
        advice,
        warnings,
        new PlanShapes(
            model.transformerConfig, model.parts.textConfig(), model.vaeConfig, patches(shape)));
  }

  /** Bytes of copied weights while a stage runs. */
  private long copiedBytes(Stage stage) {
    boolean uses = stage == Stage.ENCODE_IMAGES || stage == Stage.DECODE;
    return model.vae.kept() || uses ? model.vae.copiedBytes() : 0;
  }

  private int patches(RunShape shape) {
    if (shape.seenSizes().isEmpty()) {
      return 0;
    }
    int[] grid = model.promptEncoder.grid(shape.seenSizes().getFirst());
    return grid[0] * grid[1];
  }

  private List<Plan.StageCost> stages(
      RunMemory run,
      long process,
      RunShape shape,
      VaeTilings tilings,
      PromptEncoder.Need text,
      Plan.Steps steps) {
    List<Plan.StageCost> stages = new ArrayList<>();
    for (Stage stage : RunMemory.STAGES) {
      if (stage == Stage.ENCODE_IMAGES && shape.vaeSizes().isEmpty()) {
        continue;
      }
      stages.add(
          new Plan.StageCost(
              stage,
              run.activations().get(stage),
              run.scratch().get(stage),
              run.remembered().get(stage),
              process + model.promptEncoder.copiedBytes() + copiedBytes(stage) + run.bytes(stage),
              switch (stage) {
                case ENCODE_PROMPT -> textFlop(shape, text);
                case ENCODE_IMAGES -> encodeFlop(shape.vaeSizes(), tilings.encode());
                case DENOISE ->
                    steps.passes().stream()
                        .mapToDouble(p -> p.count() * (p.linearFlop() + p.attentionFlop()))
                        .sum();
                case DECODE -> decodeFlop(shape.size(), tilings.decode());
                case PREPARE_IMAGES -> 0;
              }));
    }
    return stages;
  }

  private double textFlop(RunShape shape, PromptEncoder.Need text) {
    double flop = 0;
    for (Size seen : shape.seenSizes()) {
      int[] grid = model.promptEncoder.grid(seen);
      flop += TextFlop.vision(grid[0], grid[1], model.parts.textConfig().vision());
    }
    for (TextLength prompt : text.lengths()) {
      flop += TextFlop.decoder(prompt.tokens(), model.parts.textConfig().text());
    }
    return flop;
  }

  private double encodeFlop(List<Size> sizes, Tiling tiling) {
    double flop = 0;
    for (Size size : sizes) {
      Size tile = tile(size, tiling);
      double each = VaeShapes.encoder(model.vaeConfig, tile.height(), tile.width()).flop();
      flop += each * tiles(size, tile, tiling);
    }
    return flop;
  }

  private double decodeFlop(Size size, Tiling tiling) {
    Size tile = tile(size, tiling);
    double each = VaeShapes.decoder(model.vaeConfig, tile.height(), tile.width()).flop();
    return each * tiles(size, tile, tiling);
  }

  private static Size tile(Size size, Tiling tiling) {
    return new Size(
        Math.min(size.width(), tiling.tileWidth()), Math.min(size.height(), tiling.tileHeight()));
  }

  /** Pixels of all tiles, in whole tiles. */
  private static double tiles(Size size, Size tile, Tiling tiling) {
    return tiling.overlap(size.height(), size.width()) * size.pixels() / tile.pixels();
  }

  private long keyBytes(KvPolicy policy, KvDtype dtype, List<LatentGrid> grids, int branches) {
    int stores = policy instanceof KvPolicy.Causal ? 1 : branches;
    return stores * ReuseChoice.layout(model.transformerConfig, policy, dtype, grids).bytes();
  }

  /** The policies that keep keys, and the one that was asked for, in each type. */
  private List<Plan.CacheSize> caches(KvPolicy wish, List<LatentGrid> grids, List<Integer> tokens) {
    if (grids.size() < 2) {
      return List.of();
    }
    Set<KvPolicy> policies = new LinkedHashSet<>();
    policies.add(KvPolicy.exact());
    policies.add(wish instanceof KvPolicy.Anchored ? wish : KvPolicy.anchored());
    policies.add(new KvPolicy.Rolling(KvPolicy.Rolling.DEFAULT_GROUPS, 1));
    policies.add(new KvPolicy.Causal(true));
    TransformerConfig config = model.transformerConfig;
    long memo = denoiser.memoBytes(tokens, grids);
    List<Plan.CacheSize> sizes = new ArrayList<>();
    for (KvPolicy policy : policies) {
      String note = ReuseChoice.fits(policy, config) ? "" : "not this model";
      for (KvDtype dtype : KvDtype.values()) {
        long keys = policy.keepsKeys() ? keyBytes(policy, dtype, grids, tokens.size()) : 0;
        sizes.add(new Plan.CacheSize(policy.word(), dtype, memo + keys, note));
      }
    }
    return sizes;
  }
}
