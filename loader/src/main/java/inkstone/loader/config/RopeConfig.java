package inkstone.loader.config;

import inkstone.loader.CheckpointException;
import inkstone.loader.json.Json;
import java.util.List;

/**
 * Rotary parameters in either spelling: {@code rope_scaling} beside {@code rope_theta}
 * (transformers 4), or {@code rope_parameters} with both (transformers 5). As there, rope_scaling
 * wins.
 *
 * @param theta base of the frequencies
 * @param mropeSection frequency pairs for time, height and width
 */
record RopeConfig(double theta, List<Integer> mropeSection) {
  static RopeConfig of(Json config, double defaultTheta) throws CheckpointException {
    double theta = config.number("rope_theta", defaultTheta, 1, 1e12);
    List<Integer> section = List.of(16, 24, 24);
    String key = config.has("rope_scaling") ? "rope_scaling" : "rope_parameters";
    if (config.has(key)) {
      Json rope = config.get(key);
      for (String type : List.of("rope_type", "type")) {
        ConfigFiles.requireString(rope, type, "default", "mrope", "axial");
      }
      if (rope.number("partial_rotary_factor", 1, 0, 1) != 1) {
        throw rope.get("partial_rotary_factor").error("1, the only value supported");
      }
      theta = rope.number("rope_theta", theta, 1, 1e12);
      section = ConfigFiles.ints(rope, "mrope_section", section, 3, 3, 0, 65_536);
    }
    return new RopeConfig(theta, section);
  }

  int sectionSum() {
    return mropeSection.stream().mapToInt(Integer::intValue).sum();
  }
}
