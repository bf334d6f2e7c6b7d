package inkstone.model.inspect;

import static org.assertj.core.api.Assertions.assertThat;

import inkstone.loader.Golden;
import inkstone.loader.TensorSource;
import inkstone.loader.Weights;
import inkstone.loader.config.ReferenceMask;
import inkstone.loader.config.TextEncoderConfig;
import inkstone.loader.config.TransformerConfig;
import inkstone.loader.config.VaeConfig;
import inkstone.memory.TensorArena;
import inkstone.model.bench.RandomWeights;
import inkstone.model.dit.QwenImageTransformer;
import inkstone.model.text.TextEncoder;
import inkstone.model.text.VisionTower;
import inkstone.model.vae.VaeDecoder;
import inkstone.model.vae.VaeEncoder;
import inkstone.ops.Compute;
import inkstone.tensor.DType;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The tensors that inspect expects are those that the networks' constructors ask for. */
class ExpectedNamesTest {
  private final TensorArena arena = TensorArena.open("test");
  private final Compute compute = Compute.open(1);
  private final Path model = Golden.path("models/full");

  @AfterEach
  void close() {
    compute.close();
    arena.close();
  }

  @Test
  void transformer() throws Exception {
    Path folder = model.resolve("transformer");
    TensorSource source = Weights.source(arena, folder);
    Weights weights = Weights.of(source);
    new QwenImageTransformer(compute, TransformerConfig.read(folder), weights);
    NetworkFacts facts =
        NetworkFacts.of(NetworkFacts.transformer(folder.resolve("config.json"), source));
    assertAgree(facts, source, weights);
  }

  @Test
  void transformerWithASecondCondition() throws Exception {
    TransformerConfig config =
        new TransformerConfig(
            2,
            64,
            16,
            1,
            128,
            1,
            8,
            false,
            List.of(16, 56, 56),
            false,
            true,
            false,
            ReferenceMask.NONE);
    NetworkFacts facts = NetworkFacts.of(new NetworkFacts.Config<>(config, "test"));
    TensorSource source = RandomWeights.map(arena, facts.expected(), DType.BF16);
    Weights weights = Weights.of(source);
    new QwenImageTransformer(compute, config, weights);
    assertAgree(facts, source, weights);
  }

  @Test
  void textEncoderWithVisionTower() throws Exception {
    Path folder = model.resolve("text_encoder");
    TensorSource source = Weights.source(arena, folder);
    Weights weights = Weights.of(source);
    TextEncoderConfig config = TextEncoderConfig.read(folder);
    new TextEncoder(compute, config, weights);
    new VisionTower(compute, config, weights);
    assertAgree(NetworkFacts.text(folder.resolve("config.json"), source, source), source, weights);
  }

  @Test
  void vae() throws Exception {
    Path folder = model.resolve("vae");
    TensorSource source = Weights.source(arena, folder);
    Weights weights = Weights.of(source);
    VaeConfig config = VaeConfig.read(folder);
    new VaeEncoder(compute, arena, config, weights);
    new VaeDecoder(compute, arena, config, weights);
    assertAgree(NetworkFacts.vae(folder.resolve("config.json"), source), source, weights);
  }

  private static void assertAgree(NetworkFacts facts, TensorSource source, Weights weights) {
    assertThat(facts.expected().keySet())
        .containsExactlyInAnyOrderElementsOf(weights.audit().read());
    Fit fit = Fit.of(facts.expected(), List.of(source));
    assertThat(fit.missing()).isEmpty();
    assertThat(fit.misshapen()).isEmpty();
    assertThat(fit.unread()).containsExactlyElementsOf(weights.audit().unread());
  }
}
