package inkstone.model.image;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** What caches go by: equal pictures, and only those, have equal digests. */
final class ImageDigestTest {
  private static byte[] counted(int length) {
    byte[] bytes = new byte[length];
    for (int i = 0; i < length; i++) {
      bytes[i] = (byte) i;
    }
    return bytes;
  }

  /** {@code struct.pack(">ii", 2, 1) + bytes(range(6))} under Python's hashlib.sha256. */
  @Test
  void isTheHashOfSizeAndPixels() {
    assertThat(new Image(2, 1, counted(6)).digest())
        .isEqualTo("ba24bba15359bf560d96122f5964bb1b04f9059e29e43eeba36c6a352b90774e");
  }

  @Test
  void equalPicturesHaveEqualDigestsWhereverTheyLie() {
    assertThat(new Image(4, 2, counted(24)).digest())
        .isEqualTo(new Image(4, 2, counted(24)).digest());
  }

  @Test
  void theShapeCounts() {
    assertThat(new Image(4, 2, counted(24)).digest())
        .isNotEqualTo(new Image(2, 4, counted(24)).digest());
  }

  @Test
  void everyByteCounts() {
    String digest = new Image(3, 2, counted(18)).digest();
    for (int i = 0; i < 18; i++) {
      byte[] other = counted(18);
      other[i] ^= 1;
      assertThat(new Image(3, 2, other).digest()).isNotEqualTo(digest);
    }
  }
}
