package inkstone.loader.gguf;

import java.util.Map;

/** Names of tensors inside numbered blocks. */
final class BlockNames {
  private BlockNames() {}

  /**
   * {@code <from><number>.<module>.<weight or bias>} becomes {@code <to><number>.<other>.…}.
   *
   * @param modules other names by module
   * @return the name itself when it is none of those
   */
  static String stored(String name, String from, String to, Map<String, String> modules) {
    int number = from.length();
    int module = name.indexOf('.', number) + 1;
    int kind = name.lastIndexOf('.');
    if (!name.startsWith(from) || module == 0 || kind < module) {
      return name;
    }
    String other = modules.get(name.substring(module, kind));
    return other == null
        ? name
        : to + name.substring(number, module) + other + name.substring(kind);
  }
}
