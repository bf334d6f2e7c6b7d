package inkstone.app.cli;

import picocli.CommandLine.Mixin;

/** The options that edit and generate share; {@link GroupedHelp} shows them by these classes. */
final class RunOptions {
  @Mixin ContentOptions content;
  @Mixin OutputOptions output;
  @Mixin ShapeOptions shape;
  @Mixin SamplingOptions sampling;
  @Mixin ModelOptions model;
  @Mixin LoraOptions lora;
  @Mixin SpeedOptions speed;
  @Mixin HelpOption help;
}
