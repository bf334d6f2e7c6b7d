package inkstone.model.text;

import inkstone.model.debug.Taps;
import inkstone.tensor.Tensor;
import java.util.HashMap;
import java.util.Map;

/** Keeps a copy of every tap. */
final class TapRecorder implements Taps {
  private final Map<String, float[]> values = new HashMap<>();
  private int checkpoints;

  @Override
  public void tap(String key, Tensor value) {
    values.put(key, value.toFloatArray());
  }

  @Override
  public void checkpoint() {
    checkpoints++;
  }

  float[] get(String key) {
    float[] value = values.get(key);
    if (value == null) {
      throw new AssertionError("no tap " + key + ", got " + values.keySet());
    }
    return value;
  }

  int checkpoints() {
    return checkpoints;
  }
}
