package inkstone.model.text;

import inkstone.loader.CheckpointException;
import inkstone.loader.Weights;
import inkstone.memory.TensorArena;
import inkstone.ops.Activations;
import inkstone.ops.Compute;
import inkstone.ops.Linear;
import inkstone.tensor.Tensor;

/** The SwiGLU feed-forward network of decoder and vision tower: down(silu(gate(x)) · up(x)). */
final class GatedMlp {
  /** Rows at a time, so that the wide buffers of a long sequence stay small. */
  static final int ROWS = 2048;

  private final Tensor gateProj;
  private final Tensor upProj;
  private final Tensor downProj;
  private final Tensor gateBias;
  private final Tensor upBias;
  private final Tensor downBias;

  /**
   * @param w the cursor at the network, as {@code model.layers.0.mlp}; biases are taken where the
   *     checkpoint has them
   * @param hidden features of a token
   * @param intermediate features inside
   */
  GatedMlp(Weights w, int hidden, int intermediate) throws CheckpointException {
    gateProj = w.tensor("gate_proj.weight", intermediate, hidden);
    upProj = w.tensor("up_proj.weight", intermediate, hidden);
    downProj = w.tensor("down_proj.weight", hidden, intermediate);
    gateBias = w.optional("gate_proj.bias", intermediate);
    upBias = w.optional("up_proj.bias", intermediate);
    downBias = w.optional("down_proj.bias", hidden);
  }

  /** Buffers for {@link #forward} on {@code tokens} rows. */
  Buffers buffers(TensorArena arena, int tokens) {
    int rows = Math.min(ROWS, tokens);
    long intermediate = gateProj.dim(0);
    return new Buffers(
        Tensor.f32(arena, "mlp.gate", rows, intermediate),
        Tensor.f32(arena, "mlp.up", rows, intermediate));
  }

  /** [ROWS, intermediate] each. */
  record Buffers(Tensor gate, Tensor up) {}

  /** out = mlp(x), both [S, hidden]. */
  void forward(Compute c, Tensor out, Tensor x, Buffers buffers) {
    for (long from = 0; from < x.dim(0); from += ROWS) {
      long to = Math.min(x.dim(0), from + ROWS);
      Tensor rows = x.rows(from, to);
      Tensor gate = buffers.gate().rows(0, to - from);
      Tensor up = buffers.up().rows(0, to - from);
      Linear.forward(c, gate, rows, gateProj, gateBias); // [ROWS, intermediate]
      Linear.forward(c, up, rows, upProj, upBias);
      Activations.swiGlu(c, gate, gate, up);
      Linear.forward(c, out.rows(from, to), gate, downProj, downBias); // [ROWS, hidden]
    }
  }
}
