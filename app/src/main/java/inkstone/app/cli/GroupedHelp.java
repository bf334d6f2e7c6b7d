package inkstone.app.cli;

import java.lang.reflect.Field;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import picocli.CommandLine.Help;
import picocli.CommandLine.IHelpSectionRenderer;
import picocli.CommandLine.Model.OptionSpec;

/**
 * The list of options under headings, one for each class of options. picocli's own groups can't be
 * used for this: within one, an option that is given twice is no mistake.
 */
final class GroupedHelp implements IHelpSectionRenderer {
  private static final Map<Class<?>, String> HEADINGS =
      Map.of(
          ContentOptions.class, "Words:",
          OutputOptions.class, "Output:",
          ShapeOptions.class, "Size:",
          SamplingOptions.class, "Sampling:",
          ModelOptions.class, "Model, speed, memory:",
          LoraOptions.class, "Model, speed, memory:",
          SpeedOptions.class, "Model, speed, memory:",
          RefCacheOptions.class, "Reference cache:");

  @Override
  public String render(Help help) {
    Map<String, List<OptionSpec>> groups = new LinkedHashMap<>();
    for (OptionSpec option : help.commandSpec().options()) {
      Class<?> owner = ((Field) option.userObject()).getDeclaringClass();
      groups.computeIfAbsent(HEADINGS.getOrDefault(owner, ""), h -> new ArrayList<>()).add(option);
    }
    StringBuilder text = new StringBuilder();
    groups.forEach((heading, options) -> {
      if (!heading.isEmpty()) {
        text.append('\n').append(heading).append('\n');
      }
      Help.Layout layout = help.createDefaultLayout();
      options.forEach(option -> layout.addOption(option, help.createDefaultParamLabelRenderer()));
      text.append(layout);
    });
    return text.toString();
  }
}
