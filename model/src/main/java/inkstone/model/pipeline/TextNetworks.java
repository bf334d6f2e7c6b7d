package inkstone.model.pipeline;

import inkstone.model.text.TextEncoder;
import inkstone.model.text.VisionTower;

/**
 * What reads words and pictures.
 *
 * @param vision null for classes that don't edit
 */
record TextNetworks(TextEncoder encoder, VisionTower vision) {}
