package inkstone.loader.safetensors;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.ReadableByteChannel;

/** The bytes of a header and not one more, read from a channel at its position. */
final class HeaderStream extends InputStream {
  private final ReadableByteChannel channel;
  private long left;

  HeaderStream(ReadableByteChannel channel, long bytes) {
    this.channel = channel;
    this.left = bytes;
  }

  @Override
  public int read() throws IOException {
    byte[] one = new byte[1];
    return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
  }

  @Override
  public int read(byte[] buffer, int offset, int length) throws IOException {
    if (length == 0) {
      return 0;
    }
    if (left == 0) {
      return -1;
    }
    int count = channel.read(ByteBuffer.wrap(buffer, offset, (int) Math.min(length, left)));
    left -= Math.max(0, count);
    return count;
  }
}
