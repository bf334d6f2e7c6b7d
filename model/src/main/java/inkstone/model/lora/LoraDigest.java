package inkstone.model.lora;

import inkstone.loader.CheckpointException;
import inkstone.tensor.Tensor;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;

/** SHA-256 of all tensors of LoRA files, with their scales. */
final class LoraDigest {
  private static final long CHUNK = 1 << 20;

  private LoraDigest() {}

  static String of(List<LoraSet.Source> sources) {
    MessageDigest digest = sha256();
    try {
      for (LoraSet.Source source : sources) {
        add(digest, "scale " + Double.toHexString(source.scale()));
        add(digest, source.weights().metadata().getOrDefault(LoraMetadata.KEY, ""));
        for (String name : source.weights().names()) {
          Tensor tensor = source.weights().read(name);
          add(digest, name + " " + tensor.dtype() + tensor.shape());
          add(digest, tensor.segment());
        }
      }
    } catch (CheckpointException e) {
      throw new UncheckedIOException(e);
    }
    return HexFormat.of().formatHex(digest.digest());
  }

  private static void add(MessageDigest digest, String text) {
    digest.update((text + "\n").getBytes(StandardCharsets.UTF_8));
  }

  private static void add(MessageDigest digest, MemorySegment segment) {
    for (long from = 0; from < segment.byteSize(); from += CHUNK) {
      long bytes = Math.min(CHUNK, segment.byteSize() - from);
      digest.update(segment.asSlice(from, bytes).asByteBuffer());
    }
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("SHA-256: every Java has it, got none; check the JDK", e);
    }
  }
}
