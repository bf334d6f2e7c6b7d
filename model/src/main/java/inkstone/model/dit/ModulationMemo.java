package inkstone.model.dit;

import inkstone.loader.config.TransformerConfig;
import inkstone.memory.TensorArena;
import inkstone.tensor.Tensor;
import java.util.BitSet;

/** Modulations of all blocks for one timestep, compared by its bits; another one empties it. */
final class ModulationMemo {
  private final Tensor vectors; // [kinds · layers, 6·D]
  private final int layers;
  private final BitSet known = new BitSet();
  private int timestepBits;

  /**
   * @param kinds modulations that a block has
   */
  ModulationMemo(TensorArena arena, TransformerConfig config, int kinds) {
    layers = config.numLayers();
    vectors =
        Tensor.f32(
            arena,
            "ModulationMemo",
            (long) kinds * layers,
            (long) Modulation.VECTORS * config.innerDim());
  }

  boolean recall(int kind, int layer, float timestep, Modulation.Vectors out) {
    int row = kind * layers + layer;
    boolean hit = Float.floatToRawIntBits(timestep) == timestepBits && known.get(row);
    if (hit) {
      out.all().copyFrom(vectors.rows(row, row + 1));
    }
    return hit;
  }

  void keep(int kind, int layer, float timestep, Modulation.Vectors fresh) {
    int bits = Float.floatToRawIntBits(timestep);
    if (bits != timestepBits) {
      known.clear();
      timestepBits = bits;
    }
    int row = kind * layers + layer;
    vectors.rows(row, row + 1).copyFrom(fresh.all());
    known.set(row);
  }
}
