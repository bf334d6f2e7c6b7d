package inkstone.app.cli;

import inkstone.model.bench.BenchCase;
import inkstone.model.bench.BenchWork;
import inkstone.tensor.DType;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import picocli.CommandLine.Option;

/** Which cases {@code bench} measures. */
final class BenchOptions {
  private static final int MOST = 1 << 24;

  @Option(
      names = {"-t", "--threads"},
      paramLabel = "N[,N]",
      description = "Worker threads, one count or several (default: one a processor)")
  private String threads;

  @Option(
      names = "--dtype",
      paramLabel = "TYPE[,TYPE]",
      description =
          "Types of the weights (default: all for gemm and gemv, else BF16). Linear layers take"
              + " F32 along, to be compared with it")
  private String dtypes;

  @Option(
      names = "--tokens",
      paramLabel = "N",
      description = "Tokens of attention, block (of the image) and text-decoder")
  private String tokens;

  @Option(names = "--layers", paramLabel = "N", description = "Layers of block, step and text")
  private String layers;

  @Option(
      names = "--refs",
      paramLabel = "N",
      description = "Reference pictures of a step, each as large as the target (default: 1)")
  private String refs;

  @Option(
      names = "--size",
      paramLabel = "PX",
      description = "Side of the picture in step (default: 1024) and vae (512 and 1024)")
  private String size;

  @Option(
      names = "--shape",
      paramLabel = "NAME=N[,…]",
      description = "Any other size by its name in the table, such as m=2304,n=3072,k=3072")
  private String shape;

  /** Whether any option is given. */
  boolean given() {
    return threads != null || dtypes != null || !sizeTexts().isEmpty() || shape != null;
  }

  /** Cases by what is measured against each other: one shape on one number of threads. */
  List<List<BenchCase>> groups(List<String> words) throws Failure {
    Set<BenchWork> works = works(words);
    Map<String, Integer> sizes = sizes();
    for (String name : sizes.keySet()) {
      if (works.stream().noneMatch(work -> work.shapes().getFirst().containsKey(name))) {
        throw Failure.usage(
            "size " + Numbers.quoted(name) + " belongs to none of the works",
            "'inkstone bench WORK' shows the names of its sizes");
      }
    }
    List<List<BenchCase>> groups = new ArrayList<>();
    for (BenchWork work : works) {
      List<DType> types = types(work);
      Set<Map<String, Integer>> shapes = new LinkedHashSet<>();
      for (Map<String, Integer> standard : work.shapes()) {
        Map<String, Integer> all = new LinkedHashMap<>(standard);
        sizes.forEach((name, value) -> all.computeIfPresent(name, (n, v) -> value));
        shapes.add(all);
      }
      for (Map<String, Integer> one : shapes) {
        for (int count : threadCounts()) {
          groups.add(types.stream().map(type -> new BenchCase(work, one, type, count)).toList());
        }
      }
    }
    return groups;
  }

  private static Set<BenchWork> works(List<String> words) throws Failure {
    Set<BenchWork> works = new LinkedHashSet<>();
    for (String word : words.isEmpty() ? List.of("gemm", "attention", "block") : words) {
      List<BenchWork> named =
          switch (word) {
            case "all" -> List.of(BenchWork.values());
            case "vae" -> List.of(BenchWork.VAE_DECODE, BenchWork.VAE_ENCODE);
            case "text" -> List.of(BenchWork.TEXT_DECODER, BenchWork.TEXT_VISION);
            default -> BenchWork.of(word) == null ? List.of() : List.of(BenchWork.of(word));
          };
      if (named.isEmpty()) {
        throw Failure.usage(
            "unknown work " + Numbers.quoted(word), "'inkstone bench --help' lists what there is");
      }
      works.addAll(named);
    }
    return works;
  }

  private Set<Integer> threadCounts() throws Failure {
    if (threads == null) {
      return Set.of(Runtime.getRuntime().availableProcessors());
    }
    Set<Integer> counts = new LinkedHashSet<>();
    for (String count : threads.split(",", -1)) {
      counts.add(Numbers.whole("--threads", count, 1, 1024));
    }
    return counts;
  }

  /** The types of one work; F32 goes with linear layers, so that the table can compare. */
  private List<DType> types(BenchWork work) throws Failure {
    boolean linear = work == BenchWork.GEMM || work == BenchWork.GEMV;
    if (dtypes == null) {
      return linear ? work.dtypes() : work.dtypes().subList(0, 1);
    }
    Set<DType> types = new LinkedHashSet<>();
    if (linear) {
      types.add(DType.F32);
    }
    for (String text : dtypes.split(",", -1)) {
      DType type = type(text);
      if (work.dtypes().contains(type)) {
        types.add(type);
      } else if (work.dtypes().size() > 1) {
        throw Numbers.unfit("--dtype", "for " + work.word() + " one of " + work.dtypes(), text);
      }
    }
    return types.isEmpty() ? work.dtypes().subList(0, 1) : List.copyOf(types);
  }

  /** The type of that name, whatever its case. */
  static DType type(String text) throws Failure {
    for (DType type : BenchWork.GEMM.dtypes()) {
      if (type.name().equals(text.strip().toUpperCase(Locale.ROOT))) {
        return type;
      }
    }
    throw Numbers.unfit("--dtype", "one of " + BenchWork.GEMM.dtypes(), text);
  }

  private Map<String, String> sizeTexts() {
    Map<String, String> texts = new LinkedHashMap<>();
    put(texts, "tokens", tokens);
    put(texts, "layers", layers);
    put(texts, "refs", refs);
    put(texts, "size", size);
    return texts;
  }

  private static void put(Map<String, String> texts, String name, String text) {
    if (text != null) {
      texts.put(name, text);
    }
  }

  private Map<String, Integer> sizes() throws Failure {
    Map<String, Integer> sizes = new LinkedHashMap<>();
    for (Map.Entry<String, String> entry : sizeTexts().entrySet()) {
      String option = "--" + entry.getKey();
      int min = option.equals("--refs") ? 0 : 1;
      sizes.put(entry.getKey(), Numbers.whole(option, entry.getValue(), min, MOST));
    }
    if (shape != null) {
      for (String part : shape.split(",", -1)) {
        int at = part.indexOf('=');
        if (at < 1) {
          throw Numbers.unfit("--shape", "NAME=N with commas between", shape);
        }
        String name = part.substring(0, at).strip();
        sizes.put(name, Numbers.whole("--shape " + name, part.substring(at + 1), 0, MOST));
      }
    }
    return sizes;
  }
}
