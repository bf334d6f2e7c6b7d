package inkstone.model.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import inkstone.loader.CheckpointException;
import inkstone.loader.Golden;
import inkstone.loader.safetensors.SafetensorsWriter;
import inkstone.model.image.Image;
import inkstone.model.kv.KvPolicy;
import inkstone.model.lora.LoraFile;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** LoRA files beside the reference cache, other threads and little memory. */
final class LoraEngineTest {
  private static final CancelToken GO = new CancelToken();
  @TempDir Path folder;

  private static LoraFile file(String name, double scale) {
    return new LoraFile(Golden.path("lora/" + name + ".safetensors"), scale);
  }

  private static Inkstone open(EngineOptions options, LoraFile... loras)
      throws CheckpointException {
    return Inkstone.open(Golden.tinyModel(), options.withLoras(List.of(loras)));
  }

  private static Inkstone openStaged(LoraFile... loras) throws CheckpointException {
    return Inkstone.openStaged(
        ModelFiles.folder(Golden.tinyModel()), new EngineOptions(2).withLoras(List.of(loras)));
  }

  private static EditRequest request(KvPolicy policy) {
    byte[] rgb = new byte[3 * 48 * 48];
    for (int i = 0; i < rgb.length; i++) {
      rgb[i] = (byte) (i * 31 / 48);
    }
    return EditRequest.of("Make it blue.", List.of(new Image(48, 48, rgb)), Sampling.of(3, 5))
        .withSize(new OutputSize.Exact(48, 48))
        .withRefCache(RefCache.of(policy));
  }

  @Test
  void whatIsExactWithoutLoraIsExactWithIt() throws IOException {
    LoraFile[] loras = {file("a", 1), file("loha", 0.5), file("lokr", 1)};
    Image off;
    Image none;
    try (Inkstone plain = open(new EngineOptions(2))) {
      none = plain.edit(request(KvPolicy.off()), Listener.NONE, GO).image();
      assertThat(plain.loraMatches()).isEmpty();
    }
    try (Inkstone engine = open(new EngineOptions(2), loras)) {
      Result first = engine.edit(request(KvPolicy.off()), Listener.NONE, GO);
      off = first.image();
      assertThat(off).isNotEqualTo(none);
      assertThat(first.metadata())
          .containsEntry(
              "loras", List.of(loras[0].toString(), loras[1].toString(), loras[2].toString()));
      for (KvPolicy policy :
          List.of(
              KvPolicy.exact(),
              new KvPolicy.Anchored(1, 1, 0, KvPolicy.LAST_LAYER),
              new KvPolicy.Rolling(1, 1))) {
        Result result = engine.edit(request(policy), Listener.NONE, GO);
        assertThat(result.image()).as(policy.toString()).isEqualTo(off);
      }
      assertThat(engine.edit(request(KvPolicy.anchored()), Listener.NONE, GO).image())
          .isNotEqualTo(off);
      assertThat(engine.loraMatches()).hasSize(3);
      assertThat(engine.loraWarnings()).isEmpty();
    }
    for (int threads : new int[] {1, 5}) {
      try (Inkstone engine = open(new EngineOptions(threads), loras)) {
        assertThat(engine.edit(request(KvPolicy.exact()), Listener.NONE, GO).image())
            .isEqualTo(off);
      }
    }
    // Each part is mapped for its stage alone.
    try (Inkstone engine = openStaged(loras)) {
      assertThat(engine.resident()).isFalse();
      for (int i = 0; i < 2; i++) {
        assertThat(engine.edit(request(KvPolicy.exact()), Listener.NONE, GO).image())
            .isEqualTo(off);
      }
    }
  }

  @Test
  void aChangedBiasIsCopiedOnceHoweverOftenTheTransformerIsBuilt() throws IOException {
    try (Inkstone engine = openStaged(file("delta", 1))) {
      engine.edit(request(KvPolicy.off()), Listener.NONE, GO);
      long once = engine.nativeBytes();
      engine.edit(request(KvPolicy.off()), Listener.NONE, GO);
      assertThat(engine.nativeBytes()).isEqualTo(once);
    }
  }

  @Test
  void aLoraThatFitsNoLayerClosesTheEngine() {
    Path other =
        new SafetensorsWriter()
            .f32("double_blocks.0.lora_A.weight", new float[] {1}, 1, 1)
            .write(folder.resolve("flux.safetensors"));
    assertThatThrownBy(() -> open(new EngineOptions(2), LoraFile.of(other)))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("no key matches");
  }
}
