package inkstone.model.dit;

import inkstone.loader.CheckpointException;
import inkstone.loader.Weights;
import inkstone.loader.config.ReferenceMask;
import inkstone.loader.config.TransformerConfig;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/**
 * The transformer a second time, in plain double loops that share no code with the first. A plan is
 * a predicate: a row that a block does not compute has the keys, values and hidden state that the
 * last pass to compute it left behind.
 */
final class SlowForward {
  /** Whether block {@code layer} computes row {@code row} of [text, target, references]. */
  interface Computes {
    boolean row(int layer, int row);
  }

  static final Computes EVERYTHING = (layer, row) -> true;

  private static final double EPS = 1e-6;

  private final TransformerConfig config;
  private final Weights weights;
  private final Map<String, long[]> shapes;
  private final int text;
  private final int target;
  private final int tokens;
  private final int inner;
  private final int[] image; // of each row: −1 text, 0 target, 1 … references
  private final double[][][] angles; // [row][axis] position
  private final double[][][] hidden; // [layer][row][D], what block `layer` finds
  private final double[][][] keys; // [layer][row][D]
  private final double[][][] values;

  SlowForward(RandomTransformer model, int textTokens, List<LatentGrid> grids) {
    config = model.transformer.config();
    weights = model.weights;
    shapes = RandomTransformer.shapes(config);
    text = textTokens;
    target = (int) grids.getFirst().tokens();
    tokens = textTokens + grids.stream().mapToInt(grid -> (int) grid.tokens()).sum();
    inner = config.innerDim();
    image = new int[tokens];
    angles = new double[tokens][][];
    place(grids);
    hidden = new double[config.numLayers() + 1][tokens][];
    keys = new double[config.numLayers()][tokens][];
    values = new double[config.numLayers()][tokens][];
  }

  private void place(List<LatentGrid> grids) {
    int start = 0;
    for (LatentGrid grid : grids) {
      start = Math.max(start, Math.max(grid.height() / 2, grid.width() / 2));
    }
    int row = 0;
    for (int i = 0; i < text; i++) {
      image[row] = -1;
      angles[row++] = turn(start + i, start + i, start + i);
    }
    for (int slot = 0; slot < grids.size(); slot++) {
      LatentGrid grid = grids.get(slot);
      for (int y = 0; y < grid.height(); y++) {
        for (int x = 0; x < grid.width(); x++) {
          image[row] = slot;
          int top = grid.height() - grid.height() / 2;
          int left = grid.width() - grid.width() / 2;
          angles[row++] = turn(slot, y - top, x - left);
        }
      }
    }
  }

  /** Cosine and sine of each pair of channels of a head. */
  private double[][] turn(int... position) {
    double[][] table = new double[2][config.attentionHeadDim() / 2];
    int pair = 0;
    for (int axis = 0; axis < 3; axis++) {
      int channels = config.axesDimsRope().get(axis);
      for (int i = 0; i < channels / 2; i++, pair++) {
        double angle = position[axis] * Math.pow(10_000, -2.0 * i / channels);
        table[0][pair] = Math.cos(angle);
        table[1][pair] = Math.sin(angle);
      }
    }
    return table;
  }

  /**
   * Velocity of the target, row after row.
   *
   * @param imageTokens of target and references
   */
  float[] forward(float[] imageTokens, float[] prompt, float timestep, Computes computes)
      throws CheckpointException {
    double[][] conditioning = {silu(embedTime(timestep)), silu(embedTime(0))};
    for (int row = 0; row < tokens; row++) {
      if (computes.row(0, row)) {
        hidden[0][row] = row < text ? embedText(prompt, row) : embedImage(imageTokens, row - text);
      }
    }
    for (int layer = 0; layer < config.numLayers(); layer++) {
      block(layer, conditioning, computes);
    }
    double[] modulation = linear("norm_out.linear", conditioning[0]); // scale, shift
    float[] velocity = new float[target * Math.toIntExact(DitState.outFeatures(config))];
    for (int i = 0; i < target; i++) {
      double[] normed =
          norm(
              hidden[config.numLayers()][text + i],
              Arrays.copyOfRange(modulation, inner, 2 * inner),
              Arrays.copyOf(modulation, inner));
      double[] out = linear("proj_out", normed);
      for (int c = 0; c < out.length; c++) {
        velocity[i * out.length + c] = (float) out[c];
      }
    }
    return velocity;
  }

  private void block(int layer, double[][] conditioning, Computes computes)
      throws CheckpointException {
    String block = "transformer_blocks." + layer + ".";
    double[][][] modulations = {
      split(linear(block + "txt_mod.1", conditioning[0])),
      split(linear(block + "img_mod.1", conditioning[0])),
      split(linear(block + "img_mod.1", conditioning[1]))
    };
    double[][] queries = new double[tokens][];
    for (int row = 0; row < tokens; row++) {
      if (computes.row(layer, row)) {
        double[][] m = modulations[modulation(row)];
        double[] normed = norm(hidden[layer][row], m[0], m[1]);
        boolean words = row < text;
        String attn = block + "attn.";
        queries[row] = linear(attn + (words ? "add_q_proj" : "to_q"), normed);
        keys[layer][row] = linear(attn + (words ? "add_k_proj" : "to_k"), normed);
        values[layer][row] = linear(attn + (words ? "add_v_proj" : "to_v"), normed);
        normAndTurn(queries[row], attn + (words ? "norm_added_q" : "norm_q"), row);
        normAndTurn(keys[layer][row], attn + (words ? "norm_added_k" : "norm_k"), row);
      }
    }
    for (int row = 0; row < tokens; row++) {
      if (computes.row(layer, row)) {
        double[][] m = modulations[modulation(row)];
        boolean words = row < text;
        double[] attended = attend(layer, row, queries[row]);
        String out = block + "attn." + (words ? "to_add_out" : "to_out.0");
        double[] next = add(hidden[layer][row], m[2], linear(out, attended));
        String mlp = block + (words ? "txt_mlp" : "img_mlp");
        double[] wide = linear(mlp + ".net.0.proj", norm(next, m[3], m[4]));
        for (int c = 0; c < wide.length; c++) {
          wide[c] = gelu(wide[c]);
        }
        hidden[layer + 1][row] = add(next, m[5], linear(mlp + ".net.2", wide));
      }
    }
  }

  /** 0 text, 1 image at the timestep, 2 image at t = 0. */
  private int modulation(int row) {
    return row < text ? 0 : image[row] > 0 && config.zeroCondT() ? 2 : 1;
  }

  private boolean sees(int query, int key) {
    return config.referenceMask() == ReferenceMask.NONE
        || image[query] <= 0
        || image[query] == image[key];
  }

  private double[] attend(int layer, int row, double[] query) {
    int channels = config.attentionHeadDim();
    double[] out = new double[inner];
    for (int head = 0; head < config.numAttentionHeads(); head++) {
      double[] scores = new double[tokens];
      double most = Double.NEGATIVE_INFINITY;
      for (int key = 0; key < tokens; key++) {
        if (sees(row, key)) {
          for (int c = head * channels; c < (head + 1) * channels; c++) {
            scores[key] += query[c] * keys[layer][key][c];
          }
          scores[key] /= Math.sqrt(channels);
          most = Math.max(most, scores[key]);
        }
      }
      double sum = 0;
      for (int key = 0; key < tokens; key++) {
        scores[key] = sees(row, key) ? Math.exp(scores[key] - most) : 0;
        sum += scores[key];
      }
      for (int key = 0; key < tokens; key++) {
        for (int c = head * channels; scores[key] > 0 && c < (head + 1) * channels; c++) {
          out[c] += scores[key] / sum * values[layer][key][c];
        }
      }
    }
    return out;
  }

  private double[] embedTime(float timestep) throws CheckpointException {
    double[] projection = new double[256];
    for (int i = 0; i < 128; i++) {
      double angle = 1000.0 * timestep * Math.exp(-Math.log(10_000) * i / 128);
      projection[i] = Math.cos(angle);
      projection[128 + i] = Math.sin(angle);
    }
    String embedder = "time_text_embed.timestep_embedder.";
    return linear(embedder + "linear_2", silu(linear(embedder + "linear_1", projection)));
  }

  private double[] embedText(float[] prompt, int row) throws CheckpointException {
    double[] token = row(prompt, row, config.jointAttentionDim());
    double[] weight = weight("txt_norm.weight");
    double scale = 1 / Math.sqrt(meanSquare(token, 0, token.length) + EPS);
    for (int c = 0; c < token.length; c++) {
      token[c] *= scale * weight[c];
    }
    return linear("txt_in", token);
  }

  private double[] embedImage(float[] imageTokens, int row) throws CheckpointException {
    return linear("img_in", row(imageTokens, row, config.inChannels()));
  }

  private static double[] row(float[] matrix, int row, int columns) {
    double[] values = new double[columns];
    for (int c = 0; c < columns; c++) {
      values[c] = matrix[row * columns + c];
    }
    return values;
  }

  private void normAndTurn(double[] heads, String weightName, int row) throws CheckpointException {
    double[] weight = weight(weightName + ".weight");
    int channels = config.attentionHeadDim();
    for (int from = 0; from < inner; from += channels) {
      double scale = 1 / Math.sqrt(meanSquare(heads, from, from + channels) + EPS);
      for (int c = 0; c < channels; c += 2) {
        double x = heads[from + c] * scale * weight[c];
        double y = heads[from + c + 1] * scale * weight[c + 1];
        double cos = angles[row][0][c / 2];
        double sin = angles[row][1][c / 2];
        heads[from + c] = x * cos - y * sin;
        heads[from + c + 1] = x * sin + y * cos;
      }
    }
  }

  private static double meanSquare(double[] x, int from, int to) {
    double sum = 0;
    for (int c = from; c < to; c++) {
      sum += x[c] * x[c];
    }
    return sum / (to - from);
  }

  private static double[] norm(double[] x, double[] shift, double[] scale) {
    double mean = Arrays.stream(x).sum() / x.length;
    double[] centred = Arrays.stream(x).map(value -> value - mean).toArray();
    double deviation = Math.sqrt(meanSquare(centred, 0, x.length) + EPS);
    double[] out = new double[x.length];
    for (int c = 0; c < x.length; c++) {
      out[c] = centred[c] / deviation * (1 + scale[c]) + shift[c];
    }
    return out;
  }

  private static double[] add(double[] x, double[] gate, double[] branch) {
    double[] out = new double[x.length];
    for (int c = 0; c < x.length; c++) {
      out[c] = x[c] + gate[c] * branch[c];
    }
    return out;
  }

  private static double[] silu(double[] x) {
    return Arrays.stream(x).map(value -> value / (1 + Math.exp(-value))).toArray();
  }

  private static double gelu(double x) {
    return 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x)));
  }

  private double[][] split(double[] six) {
    double[][] parts = new double[6][];
    for (int i = 0; i < 6; i++) {
      parts[i] = Arrays.copyOfRange(six, i * inner, (i + 1) * inner);
    }
    return parts;
  }

  private double[] linear(String name, double[] x) throws CheckpointException {
    double[] weight = weight(name + ".weight");
    double[] out = weight(name + ".bias").clone();
    for (int o = 0; o < out.length; o++) {
      for (int i = 0; i < x.length; i++) {
        out[o] += weight[o * x.length + i] * x[i];
      }
    }
    return out;
  }

  private final Map<String, double[]> read = new java.util.HashMap<>();

  private double[] weight(String name) throws CheckpointException {
    double[] known = read.get(name);
    if (known == null) {
      float[] floats = weights.tensor(name, shapes.get(name)).toFloatArray();
      known = new double[floats.length];
      for (int i = 0; i < floats.length; i++) {
        known[i] = floats[i];
      }
      read.put(name, known);
    }
    return known;
  }
}
