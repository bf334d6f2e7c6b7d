package inkstone.model.fuzz;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.SplittableRandom;

/** Changes of the header's JSON, most with the length field made right again. */
final class SafetensorsMutations implements Mutator {
  private final JsonMutations header;
  private final byte[] data;

  SafetensorsMutations(byte[] valid) {
    int length = (int) ByteBuffer.wrap(valid).order(ByteOrder.LITTLE_ENDIAN).getLong(0);
    header = JsonMutations.of(new String(valid, 8, length, StandardCharsets.UTF_8));
    data = Arrays.copyOfRange(valid, 8 + length, valid.length);
  }

  @Override
  public byte[] mutate(byte[] valid, SplittableRandom random) {
    byte[] json = header.text(random).getBytes(StandardCharsets.UTF_8);
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    byte[] length = new byte[8];
    ByteBuffer.wrap(length).order(ByteOrder.LITTLE_ENDIAN).putLong(json.length);
    out.writeBytes(random.nextInt(8) == 0 ? ByteMutations.number(length, 0, 8, random) : length);
    out.writeBytes(json);
    out.writeBytes(data);
    return out.toByteArray();
  }
}
