package inkstone.app.cli;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** The command that makes a picture again, from what {@link RunMetadata} stored. */
final class RunCommandLine {
  private final Map<String, Object> facts;
  private final List<String> words = new ArrayList<>();

  private RunCommandLine(Map<String, Object> facts) {
    this.facts = facts;
  }

  /**
   * @param output where the picture is to go
   * @throws Failure when the facts are not those of a run
   */
  static String of(Map<String, Object> facts, String output) throws Failure {
    return new RunCommandLine(facts).build(output);
  }

  private String build(String output) throws Failure {
    words.add("./inkstone");
    words.add(required("command"));
    option("-m", "model");
    for (String part : List.of("diffusion_model", "llm", "llm_vision", "vae", "tokenizer")) {
      option("--" + part.replace('_', '-'), part);
    }
    option("--zero-cond-t", "zero_cond_t");
    if (facts.get("loras") instanceof Collection<?> loras) {
      loras.forEach(lora -> add("--lora", String.valueOf(lora)));
    }
    if (facts.get("references") instanceof Collection<?> references) {
      for (Object reference : references) {
        add("-r", String.valueOf(reference));
      }
    }
    add("-p", required("prompt"));
    option("-n", "negative_prompt");
    add("-W", required("width"));
    add("-H", required("height"));
    if (facts.get("sigmas") instanceof Collection<?> sigmas) {
      add("--sigmas", sigmas.stream().map(String::valueOf).collect(Collectors.joining(",")));
    } else {
      add("--steps", required("steps"));
    }
    option("--cfg-scale", "cfg_scale");
    option("--flow-shift", "flow_shift");
    add("-s", required("seed"));
    option("--vae-tiling", "vae_tiling");
    option("--ref-cache", "ref_cache");
    for (String parameter : List.of("warmup", "every", "layers", "groups", "budget", "bank")) {
      option("--ref-cache-" + parameter, "ref_cache_" + parameter);
    }
    option("--ref-cache-dtype", "ref_cache_dtype");
    add("-o", output);
    return ShellQuote.join(words);
  }

  /** Where the printed command writes: beside the picture, not over it. */
  static String againName(String file) {
    int dot = file.lastIndexOf('.');
    boolean extension = dot > Math.max(file.lastIndexOf('/'), file.lastIndexOf('\\')) + 1;
    return (extension ? file.substring(0, dot) : file) + "-again.png";
  }

  private void option(String name, String key) {
    if (facts.get(key) != null) {
      add(name, text(facts.get(key)));
    }
  }

  private void add(String name, String value) {
    words.add(name);
    words.add(value);
  }

  private String required(String key) throws Failure {
    Object value = facts.get(key);
    if (value == null) {
      throw Failure.usage(
          "the picture's metadata has no " + key, "it was not made by this program, or was edited");
    }
    return text(value);
  }

  private static String text(Object value) {
    return value instanceof Double d ? Numbers.plain(d) : String.valueOf(value);
  }
}
