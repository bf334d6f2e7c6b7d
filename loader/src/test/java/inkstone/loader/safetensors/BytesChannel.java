package inkstone.loader.safetensors;

import java.nio.ByteBuffer;
import java.nio.channels.SeekableByteChannel;

/** A file in memory, so that thousands of mutants need no disk. */
final class BytesChannel implements SeekableByteChannel {
  private final ByteBuffer bytes;

  BytesChannel(byte[] bytes) {
    this.bytes = ByteBuffer.wrap(bytes);
  }

  @Override
  public int read(ByteBuffer target) {
    if (!bytes.hasRemaining()) {
      return -1;
    }
    int count = Math.min(bytes.remaining(), target.remaining());
    target.put(bytes.slice().limit(count));
    bytes.position(bytes.position() + count);
    return count;
  }

  @Override
  public long position() {
    return bytes.position();
  }

  @Override
  public SeekableByteChannel position(long position) {
    bytes.position(Math.toIntExact(position));
    return this;
  }

  @Override
  public long size() {
    return bytes.limit();
  }

  @Override
  public int write(ByteBuffer source) {
    throw new UnsupportedOperationException("read-only");
  }

  @Override
  public SeekableByteChannel truncate(long size) {
    throw new UnsupportedOperationException("read-only");
  }

  @Override
  public boolean isOpen() {
    return true;
  }

  @Override
  public void close() {
    // Nothing to release.
  }
}
