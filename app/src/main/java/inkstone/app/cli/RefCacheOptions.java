package inkstone.app.cli;

import inkstone.model.kv.KvDtype;
import inkstone.model.kv.KvPolicy;
import inkstone.model.pipeline.RefCache;
import inkstone.model.pipeline.Sampling;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.Option;

/** What an edit reuses of its references from step to step. */
final class RefCacheOptions {
  private static final String[] POLICIES = {
    "auto", "off", "exact", "anchored", "rolling", "adaptive", "causal"
  };
  private static final String[] KEEPING = {"anchored", "rolling", "adaptive", "causal"};
  private static final Pattern LAYERS = Pattern.compile("(\\d{1,4})-(\\d{0,4})");

  /** Less holds not even one token of a small model: a unit was forgotten. */
  private static final long MIN_BYTES = 1024;

  /** A hundred times the kept values' own size: beyond it nothing would ever be refreshed. */
  private static final double MAX_BUDGET = 100;

  private static final String DEFAULT_EVERY =
      KvPolicy.Anchored.DEFAULT_EVERY == KvPolicy.NEVER
          ? "never"
          : "" + KvPolicy.Anchored.DEFAULT_EVERY;

  private static final String DEFAULT_WARMUP =
      KvPolicy.Anchored.DEFAULT_WARMUP == KvPolicy.Rolling.DEFAULT_WARMUP
          ? "" + KvPolicy.Rolling.DEFAULT_WARMUP
          : KvPolicy.Anchored.DEFAULT_WARMUP + " and " + KvPolicy.Rolling.DEFAULT_WARMUP;

  @Option(
      names = "--ref-cache",
      paramLabel = "POLICY",
      description =
          "What steps reuse of the references. Same picture: off (nothing), exact, causal (for"
              + " models trained with such a mask) and auto (default: causal where possible, else"
              + " exact). Faster and approximate: anchored, rolling, adaptive")
  private String policy;

  @Option(
      names = "--ref-cache-warmup",
      paramLabel = "N",
      description = "anchored, rolling: full steps at the start (default: " + DEFAULT_WARMUP + ")")
  private String warmup;

  @Option(
      names = "--ref-cache-every",
      paramLabel = "K",
      description =
          "anchored: a full step every K steps, or never (default: " + DEFAULT_EVERY + ")")
  private String every;

  @Option(
      names = "--ref-cache-layers",
      paramLabel = "A-B",
      description = "anchored: layers that reuse, counted from 0 (default: all); A- is A to last")
  private String layers;

  @Option(
      names = "--ref-cache-groups",
      paramLabel = "G",
      description =
          "rolling: each step computes every G-th reference token anew (default: "
              + KvPolicy.Rolling.DEFAULT_GROUPS
              + ")")
  private String groups;

  @Option(
      names = "--ref-cache-budget",
      paramLabel = "X",
      description =
          "adaptive: relative error of what is kept that is allowed, 0.1 for 10%% (default: "
              + KvPolicy.Adaptive.DEFAULT_BUDGET
              + ")")
  private String budget;

  @Option(
      names = "--ref-cache-dtype",
      paramLabel = "TYPE",
      description = "How what is kept is stored: f32 (default), bf16, f16 or int8")
  private String dtype;

  @Option(
      names = "--ref-cache-max",
      paramLabel = "SIZE",
      description =
          "Most memory for it, such as 512M or 2G (default: what is free); beyond it a smaller type"
              + " is taken, then exact")
  private String max;

  @Option(
      names = "--ref-cache-bank",
      paramLabel = "MODE",
      description =
          "causal: on (default) or off: keep it from picture to picture; never changes the picture")
  private String bank;

  /** What was asked, or null when nothing was said. */
  RefCache resolve() throws Failure {
    return resolve(KvPolicy.Anchored.DEFAULT_EVERY);
  }

  /**
   * What was asked, or null when nothing was said.
   *
   * @param anchoredEvery steps from refresh to refresh of anchored where that is not said
   */
  RefCache resolve(int anchoredEvery) throws Failure {
    String word = policy == null ? "auto" : Numbers.word("--ref-cache", policy, POLICIES);
    refuse(word, "--ref-cache-warmup", warmup, "anchored", "rolling");
    refuse(word, "--ref-cache-every", every, "anchored");
    refuse(word, "--ref-cache-layers", layers, "anchored");
    refuse(word, "--ref-cache-groups", groups, "rolling");
    refuse(word, "--ref-cache-budget", budget, "adaptive");
    refuse(word, "--ref-cache-bank", bank, "causal");
    refuse(word, "--ref-cache-dtype", dtype, KEEPING);
    refuse(word, "--ref-cache-max", max, KEEPING);
    if (policy == null) {
      return null;
    }
    RefCache cache = RefCache.of(policy(word, anchoredEvery));
    if (dtype != null) {
      String type = Numbers.word("--ref-cache-dtype", dtype, "f32", "bf16", "f16", "int8");
      cache = cache.withDtype(KvDtype.valueOf(type.toUpperCase(Locale.ROOT)));
    }
    return max == null
        ? cache
        : cache.withMaxBytes(ByteSize.parse("--ref-cache-max", max, MIN_BYTES));
  }

  private KvPolicy policy(String word, int anchoredEvery) throws Failure {
    return switch (word) {
      case "auto" -> KvPolicy.auto();
      case "off" -> KvPolicy.off();
      case "exact" -> KvPolicy.exact();
      case "anchored" -> anchored(anchoredEvery);
      case "rolling" ->
          new KvPolicy.Rolling(
              whole(
                  "--ref-cache-groups",
                  groups,
                  KvPolicy.Rolling.DEFAULT_GROUPS,
                  KvPolicy.Rolling.MAX_GROUPS),
              steps("--ref-cache-warmup", warmup, KvPolicy.Rolling.DEFAULT_WARMUP));
      case "adaptive" ->
          new KvPolicy.Adaptive(
              budget == null
                  ? KvPolicy.Adaptive.DEFAULT_BUDGET
                  : Numbers.real("--ref-cache-budget", budget, 0, MAX_BUDGET));
      case "causal" ->
          new KvPolicy.Causal(
              bank == null || Numbers.word("--ref-cache-bank", bank, "on", "off").equals("on"));
      default -> throw new IllegalStateException("--ref-cache: " + word + " is no policy");
    };
  }

  private KvPolicy anchored(int defaultEvery) throws Failure {
    int first = 0;
    int last = KvPolicy.LAST_LAYER;
    if (layers != null) {
      Matcher range = LAYERS.matcher(layers.strip());
      boolean fits = range.matches();
      if (fits) {
        first = Integer.parseInt(range.group(1));
        last = range.group(2).isEmpty() ? last : Integer.parseInt(range.group(2));
      }
      if (!fits || last < first) {
        throw Numbers.unfit(
            "--ref-cache-layers", "first and last layer such as 0-29, or 30- to the last", layers);
      }
    }
    int refresh =
        every != null && every.strip().equalsIgnoreCase("never")
            ? KvPolicy.NEVER
            : steps("--ref-cache-every", every, defaultEvery);
    int full = steps("--ref-cache-warmup", warmup, KvPolicy.Anchored.DEFAULT_WARMUP);
    return new KvPolicy.Anchored(full, refresh, first, last);
  }

  private static int steps(String option, String text, int fallback) throws Failure {
    return whole(option, text, fallback, Sampling.MAX_STEPS);
  }

  private static int whole(String option, String text, int fallback, int most) throws Failure {
    return text == null ? fallback : Numbers.whole(option, text, 1, most);
  }

  /** An option that the policy does not take would be ignored: say so instead. */
  private void refuse(String word, String option, String value, String... takers) throws Failure {
    if (value == null || Arrays.asList(takers).contains(word)) {
      return;
    }
    List<String> all = List.of(takers);
    String names =
        all.size() == 1
            ? all.getFirst()
            : String.join(", ", all.subList(0, all.size() - 1)) + " or " + all.getLast();
    throw Failure.usage(
        option
            + " needs --ref-cache "
            + names
            + (policy == null ? ", got no --ref-cache" : ", got --ref-cache " + word),
        "leave it out, or " + (policy == null ? "add" : "choose") + " --ref-cache " + takers[0]);
  }
}
