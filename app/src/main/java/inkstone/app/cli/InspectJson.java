package inkstone.app.cli;

import inkstone.model.inspect.Component;
import inkstone.model.inspect.Fit;
import inkstone.model.inspect.Inspection;
import inkstone.model.inspect.Licence;
import inkstone.model.inspect.LoraFit;
import inkstone.model.inspect.TensorFacts;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.stream.LongStream;

/** What inspect found as one object; its keys are in docs/cli.md. */
final class InspectJson {
  private InspectJson() {}

  static Map<String, Object> of(Inspection inspection) {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("path", inspection.path().toString());
    if (inspection.className() != null) {
      map.put("class", inspection.className());
    }
    map.put("licence", of(inspection.licence()));
    map.put("problems", inspection.problems());
    map.put("components", inspection.components().stream().map(InspectJson::of).toList());
    map.put("other_parts", inspection.otherParts());
    return map;
  }

  private static Map<String, Object> of(Component component) {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("name", component.name());
    map.put("class", component.className());
    map.put(
        "kinds",
        component.kinds().stream().map(kind -> kind.name().toLowerCase(Locale.ROOT)).toList());
    map.put("is", component.what());
    map.put("format", component.format());
    map.put("naming", component.naming());
    map.put("files", component.files().stream().map(Path::toString).toList());
    map.put("parameters", component.parameters());
    map.put("bytes", component.bytes());
    Map<String, Object> dtypes = new LinkedHashMap<>();
    component
        .dtypes()
        .forEach((dtype, share) -> {
          Map<String, Object> one = new LinkedHashMap<>();
          one.put("tensors", share.tensors());
          one.put("bytes", share.bytes());
          dtypes.put(dtype, one);
        });
    map.put("dtypes", dtypes);
    map.put("config", component.config());
    map.put("config_from", component.configFrom());
    if (component.zeroCondT() != null) {
      Map<String, Object> zeroCondT = new LinkedHashMap<>();
      zeroCondT.put("value", component.zeroCondT().on());
      zeroCondT.put("from", component.zeroCondT().from());
      map.put("zero_cond_t", zeroCondT);
    }
    map.put("fit", of(component.fit()));
    if (component.lora() != null) {
      map.put("lora", of(component.lora()));
    }
    map.put("licence", of(component.licence()));
    map.put("metadata", component.metadata());
    map.put("problems", component.problems());
    map.put("tensors", component.tensors().values().stream().map(InspectJson::of).toList());
    return map;
  }

  private static Map<String, Object> of(Fit fit) {
    if (fit == null) {
      return null;
    }
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("expected", fit.expected());
    map.put("missing", fit.missing());
    map.put("misshapen", fit.misshapen());
    map.put("unread", fit.unread());
    return map;
  }

  private static Map<String, Object> of(LoraFit lora) {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("against", lora.against());
    map.put("matched", lora.matched());
    map.put("unmatched", lora.unmatched());
    map.put("unused", lora.unused());
    map.put("refused", lora.refused());
    map.put("lightning_steps", lora.lightningSteps());
    return map;
  }

  private static Map<String, Object> of(Licence licence) {
    if (licence == null) {
      return null;
    }
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("name", licence.name());
    map.put("from", licence.from());
    return map;
  }

  private static Map<String, Object> of(TensorFacts tensor) {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("name", tensor.name());
    map.put("dtype", tensor.dtype().name());
    map.put("shape", LongStream.of(tensor.shape().toArray()).boxed().toList());
    map.put("bytes", tensor.bytes());
    return map;
  }
}
