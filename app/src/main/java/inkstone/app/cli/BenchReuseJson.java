package inkstone.app.cli;

import inkstone.model.bench.ReuseFigures;
import inkstone.model.bench.ReuseResult;
import inkstone.model.bench.ReuseTimes;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;

/** The fields of {@code bench step --ref-cache --json}; docs/cli.md lists them. */
final class BenchReuseJson {
  private BenchReuseJson() {}

  static Map<String, Object> of(ReuseResult result) {
    var of = result.of();
    Map<String, Object> map = BenchJson.of(of.step());
    Map<String, Object> cache = new LinkedHashMap<>();
    cache.put("policy", of.policy().word());
    cache.put("parameters", of.describe());
    cache.put("dtype", result.keys() == null ? null : of.store().name().toLowerCase(Locale.ROOT));
    cache.put("steps", of.steps());
    cache.put("zero_cond_t", of.zeroCondT());
    cache.put("tokens", result.tokens());
    cache.put("reference_tokens", result.references());
    cache.put("rows_share", result.rowsShare());
    cache.put("full_ms", milliseconds(result.off().full()));
    cache.put("loop_off_ms", milliseconds(result.off().loop()));
    cache.put("flop_off", result.off().flop());
    if (result.measured() != null) {
      savings(cache, result, result.measured());
    }
    if (result.keys() != null) {
      cache.put("keeping_full_ms", milliseconds(result.keys().full()));
      cache.put("flop_saved_formula", result.formulaShare());
      cache.put("cache_bytes", result.keys().cacheBytes());
      cache.put("cache_bytes_formula", result.formulaBytes());
      Map<String, Object> edit = new LinkedHashMap<>();
      savings(edit, result, result.edit());
      cache.put("as_edit", edit);
    }
    cache.put("times", times(result));
    map.put("ref_cache", cache);
    return map;
  }

  private static void savings(Map<String, Object> map, ReuseResult result, ReuseFigures loop) {
    map.put("reusing_steps", loop.reusingSteps());
    if (loop.reusing() != null) {
      map.put("cached_ms", milliseconds(loop.reusing()));
      map.put("saved", result.saved(loop));
      map.put("step_flop_saved", result.flopShare(loop));
      map.put("saved_of_share", result.saved(loop) / result.flopShare(loop));
      map.put("blocks_saved_of_share", result.blocksSaved(loop) / result.flopShare(loop));
    }
    map.put("loop_ms", milliseconds(loop.loop()));
    map.put("loop_saved", result.loopSaved(loop));
    map.put("flop", loop.flop());
    map.put("flop_saved", result.loopFlopShare(loop));
    if (result.loopFlopShare(loop) > 0) {
      map.put("loop_saved_of_flop", result.loopSaved(loop) / result.loopFlopShare(loop));
      map.put(
          "loop_blocks_saved_of_flop", result.loopBlocksSaved(loop) / result.loopFlopShare(loop));
    }
    map.put("rows_computed", loop.rowsComputed());
    map.put("rows_reused", loop.rowsReused());
  }

  private static Map<String, Object> times(ReuseResult result) {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("off", times(result.off()));
    if (result.keys() != null) {
      map.put("keys", times(result.keys()));
    }
    if (result.edit() != null) {
      map.put("as_edit", times(result.edit()));
    }
    return map;
  }

  private static Map<String, Object> times(ReuseFigures loop) {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("full", seconds(loop.full()));
    if (loop.reusing() != null) {
      map.put("cached", seconds(loop.reusing()));
    }
    map.put("loop", seconds(loop.loop()));
    return map;
  }

  private static Map<String, Object> seconds(ReuseTimes times) {
    Map<String, Object> map = new LinkedHashMap<>();
    BenchJson.times(map, times.whole());
    map.put("blocks", times.blocks().median());
    return map;
  }

  private static double milliseconds(ReuseTimes times) {
    return 1e3 * times.median();
  }
}
