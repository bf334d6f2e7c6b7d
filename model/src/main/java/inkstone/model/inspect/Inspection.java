package inkstone.model.inspect;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * All that was found.
 *
 * @param className the pipeline's class, or null when the path is no model folder
 * @param licence of the model folder; null when nothing says it
 * @param otherParts parts of a pipeline without weights, such as the scheduler, with their class
 * @param problems of the folder as a whole
 */
public record Inspection(
    Path path,
    String className,
    Licence licence,
    List<Component> components,
    Map<String, String> otherParts,
    List<String> problems) {}
