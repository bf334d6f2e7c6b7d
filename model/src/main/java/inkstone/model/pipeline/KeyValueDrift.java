package inkstone.model.pipeline;

import inkstone.loader.config.TransformerConfig;
import inkstone.memory.TensorArena;
import inkstone.model.debug.Taps;
import inkstone.model.dit.LatentGrid;
import inkstone.model.drift.DriftMap;
import inkstone.model.kv.ReferenceKvCache;
import inkstone.ops.Compute;
import inkstone.tensor.Tensor;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Compares the references' keys and values of a policy's pass with those of a full pass at the same
 * latents, layer by layer while the full pass runs, so that no second copy of all of them is
 * needed. What the policy keeps is read from its caches; layers that it computes itself are copied
 * out of its pass.
 *
 * <p>R reference tokens, H heads of d channels.
 */
final class KeyValueDrift {
  /** One tapped tensor of a block. */
  private record Place(int layer, boolean value) {
    int index() {
      return 2 * layer + (value ? 1 : 0);
    }
  }

  private final Compute compute;
  private final List<LatentGrid> references;
  private final int steps;
  private final int layers;
  private final long rows; // R
  private final Map<String, Place> places = new HashMap<>();
  private final Tensor scratch; // [R, H, d], what the policy used
  private final Tensor[] computed; // [R, H, d] each, or null where caches keep
  private final BitSet fresh = new BitSet();
  private final double[][] keyErrors; // of each branch
  private final double[][] valueErrors;

  /**
   * @param arena of the passes
   * @param choice of the policy
   * @param branches of guidance
   */
  KeyValueDrift(
      Compute compute,
      TensorArena arena,
      TransformerConfig config,
      ReuseChoice choice,
      List<LatentGrid> grids,
      int steps,
      int branches) {
    this.compute = compute;
    this.references = grids.subList(1, grids.size());
    this.steps = steps;
    this.layers = config.numLayers();
    this.rows = references.stream().mapToLong(LatentGrid::tokens).sum();
    scratch = heads(arena, config, rows);
    computed = new Tensor[2 * layers];
    for (int layer = 0; layer < layers; layer++) {
      String path = "transformer_blocks." + layer + ".attn.";
      places.put(path + "key", new Place(layer, false));
      places.put(path + "value", new Place(layer, true));
      if (!keeps(config, choice, grids, layer)) {
        computed[2 * layer] = heads(arena, config, rows);
        computed[2 * layer + 1] = heads(arena, config, rows);
      }
    }
    int values = Math.multiplyExact(steps * layers, references.size());
    keyErrors = unknown(branches, values);
    valueErrors = unknown(branches, values);
  }

  /** Bytes that it takes from its arena. */
  static long bytes(TransformerConfig config, ReuseChoice choice, List<LatentGrid> grids) {
    long rows = grids.stream().skip(1).mapToLong(LatentGrid::tokens).sum();
    long tensor = Math.multiplyExact(rows * Float.BYTES, (long) config.innerDim());
    long tensors = 1;
    for (int layer = 0; layer < config.numLayers(); layer++) {
      tensors += keeps(config, choice, grids, layer) ? 0 : 2;
    }
    return Math.multiplyExact(tensor, tensors);
  }

  private static boolean keeps(
      TransformerConfig config, ReuseChoice choice, List<LatentGrid> grids, int layer) {
    return choice.policy().keepsKeys()
        && ReuseChoice.layout(config, choice.policy(), choice.dtype(), grids).keeps(layer);
  }

  private static Tensor heads(TensorArena arena, TransformerConfig config, long rows) {
    return Tensor.f32(arena, "drift", rows, config.numAttentionHeads(), config.attentionHeadDim());
  }

  /** What is never measured stays NaN, which no {@link DriftMap} takes. */
  private static double[][] unknown(int branches, int values) {
    double[][] errors = new double[branches][values];
    for (double[] branch : errors) {
      Arrays.fill(branch, Double.NaN);
    }
    return errors;
  }

  /** For the policy's pass, which comes first. */
  Taps policyTaps() {
    return new Taps() {
      @Override
      public void tap(String key, Tensor value) {
        Place place = places.get(key);
        if (place != null && computed[place.index()] != null) {
          computed[place.index()].copyFrom(references(value));
          fresh.set(place.index());
        }
      }
    };
  }

  /**
   * For the full pass at the same latents.
   *
   * @param caches of the policy, as its pass left them
   */
  Taps offTaps(int branch, int step, List<ReferenceKvCache> caches) {
    return new Taps() {
      @Override
      public void tap(String key, Tensor value) {
        Place place = places.get(key);
        if (place != null) {
          compare(branch, step, place, used(place, caches), references(value));
        }
      }
    };
  }

  /** The last R of [text, target, references]. */
  private Tensor references(Tensor value) {
    return value.rows(value.dim(0) - rows, value.dim(0));
  }

  private Tensor used(Place place, List<ReferenceKvCache> caches) {
    if (computed[place.index()] != null) {
      if (!fresh.get(place.index())) {
        throw new IllegalStateException(
            "drift: layer "
                + place.layer()
                + ": keys and values of the policy's pass, expected them before those of the full"
                + " pass, got none; run the policy's pass first");
      }
      fresh.clear(place.index());
      return computed[place.index()];
    }
    long row = 0;
    for (ReferenceKvCache cache : caches) {
      Tensor part = scratch.rows(row, row + cache.layout().rows());
      if (place.value()) {
        cache.copyValue(place.layer(), part);
      } else {
        cache.copyKey(place.layer(), part);
      }
      row += part.dim(0);
    }
    return scratch;
  }

  private void compare(int branch, int step, Place place, Tensor used, Tensor full) {
    double[] errors = (place.value() ? valueErrors : keyErrors)[branch];
    long row = 0;
    for (int i = 0; i < references.size(); i++) {
      long end = row + references.get(i).tokens();
      errors[(step * layers + place.layer()) * references.size() + i] =
          RelativeError.of(
              compute,
              used.rows(row, end),
              full.rows(row, end),
              (place.value() ? "values" : "keys")
                  + " of step "
                  + (step + 1)
                  + ", layer "
                  + place.layer()
                  + ", reference "
                  + (i + 1));
      row = end;
    }
  }

  /** Errors of the keys; all steps must have run. */
  DriftMap key(int branch) {
    return new DriftMap(steps, layers, references.size(), keyErrors[branch]);
  }

  /** Errors of the values; all steps must have run. */
  DriftMap value(int branch) {
    return new DriftMap(steps, layers, references.size(), valueErrors[branch]);
  }
}
