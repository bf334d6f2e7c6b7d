package inkstone.model.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import inkstone.model.image.Image;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Requests refuse what can't be meant, before anything is loaded. */
final class RequestsTest {
  private static final Image PICTURE = Image.blank(16, 16);

  @ParameterizedTest
  @ValueSource(ints = {Integer.MIN_VALUE, -1, 0, 1001, 1_000_000_000})
  void steps(int steps) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Sampling.of(steps, 1))
        .withMessageContaining("steps: expected 1 to 1000, got " + steps);
  }

  @ParameterizedTest
  @ValueSource(doubles = {-1, 101, Double.NaN, Double.POSITIVE_INFINITY})
  void cfgScale(double scale) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Sampling.of(4, 1).withCfgScale(scale))
        .withMessageContaining("cfg scale: expected 0 to 100, got " + scale);
  }

  @ParameterizedTest
  @ValueSource(doubles = {-1, 0, 101, Double.NaN})
  void flowShift(double shift) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new FlowShift.Static(shift))
        .withMessageContaining("flow shift");
  }

  @ParameterizedTest
  @ValueSource(ints = {Integer.MIN_VALUE, -16, 0, 15, 8193, 1_000_000_000})
  void sides(int side) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new OutputSize.Exact(side, 64))
        .withMessageContaining("width: expected 16 to 8192 pixels, got " + side);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new OutputSize.Exact(64, side))
        .withMessageContaining("height: expected 16 to 8192 pixels, got " + side);
  }

  @ParameterizedTest
  @ValueSource(ints = {-1, 0, 1025})
  void threads(int threads) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new EngineOptions(threads))
        .withMessageContaining("threads");
  }

  @ParameterizedTest
  @ValueSource(longs = {Long.MIN_VALUE, -1})
  void cacheBytes(long bytes) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new EngineOptions(1, bytes))
        .withMessageContaining("cache bytes: expected 0 or more, got " + bytes);
  }

  @Test
  void aChangedRequestDiffersInThatAlone() {
    EditRequest request = EditRequest.of("x", List.of(PICTURE), Sampling.of(4, 1));
    Sampling guided = new Sampling(6, 3, 2, FlowShift.AUTO, List.of());
    assertThat(
            request
                .withSteps(6)
                .withSeed(2)
                .withCfgScale(3)
                .withNegativePrompt("y")
                .withSize(OutputSize.SAME))
        .isEqualTo(
            new EditRequest("x", "y", List.of(PICTURE), OutputSize.SAME, guided, VaeTiling.AUTO));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> request.withSize(new OutputSize.OfReference(2)))
        .withMessageContaining("only 1 references");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> request.withSteps(0))
        .withMessageContaining("steps: expected 1 to 1000, got 0");
  }

  @Test
  void defaultsAreThoseOfTheCommandLine() {
    Sampling sampling = Sampling.defaults();
    assertThat(sampling.withSeed(0)).isEqualTo(Sampling.of(20, 0));
    assertThat(sampling.seed()).isBetween(0L, (1L << 32) - 1);
    assertThat(EngineOptions.defaults().cacheBytes()).isEqualTo(256L << 20);
  }

  @Test
  void prompts() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> GenerateRequest.of("", Sampling.of(4, 1)))
        .withMessageContaining("prompt: it is empty");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> GenerateRequest.of("a".repeat(100_001), Sampling.of(4, 1)))
        .withMessageContaining("at most 100000 characters");
  }

  @Test
  void references() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> EditRequest.of("x", List.of(), Sampling.of(4, 1)))
        .withMessageContaining("expected 1 to 10 pictures, got 0");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> EditRequest.of("x", Collections.nCopies(11, PICTURE), Sampling.of(4, 1)))
        .withMessageContaining("got 11");
    assertThatIllegalArgumentException()
        .isThrownBy(() ->
            new EditRequest(
                "x",
                null,
                List.of(PICTURE),
                new OutputSize.OfReference(2),
                Sampling.of(4, 1),
                VaeTiling.AUTO))
        .withMessageContaining("only 1 references");
  }

  @Test
  void sizesOfReferencesNeedReferences() {
    assertThatIllegalArgumentException()
        .isThrownBy(() ->
            new GenerateRequest("x", null, OutputSize.SAME, Sampling.of(4, 1), VaeTiling.AUTO))
        .withMessageContaining("expected auto or WxH");
  }

  @Test
  void memoryIsCheckedBeforeItIsUsed() {
    MemoryCheck memory = new MemoryCheck(0);
    memory.require(1 << 20, "a small run");
    assertThatThrownBy(() -> memory.require(1L << 50, "a huge run"))
        .isInstanceOf(InsufficientMemoryException.class)
        .hasMessageContaining("a huge run needs about 1048576.0 GiB")
        .hasMessageContaining("use a smaller size");
  }
}
