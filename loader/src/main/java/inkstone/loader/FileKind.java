package inkstone.loader;

import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** What a file is, judged by its first bytes and never by its name. */
public enum FileKind {
  SAFETENSORS("a safetensors file", "use the safetensors file where one is asked for"),
  GGUF("a GGUF file", "give it where GGUF files are read"),
  JSON("JSON text", "give the file with the tensors itself"),
  EMPTY("an empty file", "download it again"),
  LFS_POINTER("a Git LFS pointer", "run 'git lfs pull', or download the file itself"),
  ZIP("a PyTorch or zip file", "convert it to safetensors"),
  PICKLE("a PyTorch or pickle file", "convert it to safetensors"),
  WEB_PAGE("a web page", "download the file itself"),
  PICTURE("a picture", "give the path of a checkpoint"),
  TEXT("a text file", "download the file with the tensors"),
  OTHER("another kind of file", "it is no checkpoint, or it is damaged: download it again");

  private static final int START_BYTES = 256;

  private final String description;
  private final String advice;

  FileKind(String description, String advice) {
    this.description = description;
    this.advice = advice;
  }

  /** The kind in words: "a web page". */
  public String description() {
    return description;
  }

  /** What the user can do when this kind was not the one expected. */
  public String advice() {
    return advice;
  }

  /** Whether it is a regular file of this kind; a folder or pipe is refused. */
  public static FileKind of(Path file) throws CheckpointException {
    CheckpointFiles.requireFile(file);
    try (InputStream in = Files.newInputStream(file)) {
      return of(in.readNBytes(START_BYTES));
    } catch (IOException e) {
      throw CheckpointException.unreadable(CheckpointException.quote(file), e);
    }
  }

  /** The kind of a mapped file. */
  public static FileKind of(MemorySegment file) {
    long bytes = Math.min(START_BYTES, file.byteSize());
    return of(file.asSlice(0, bytes).toArray(ValueLayout.JAVA_BYTE));
  }

  /** The kind of a file that starts with these bytes; 256 are enough. */
  public static FileKind of(byte[] start) {
    String text = new String(start, StandardCharsets.ISO_8859_1);
    if (start.length == 0) {
      return EMPTY;
    }
    if (text.startsWith("GGUF")) {
      return GGUF;
    }
    // A header's length with its highest byte set would be beyond any file.
    if (start.length > 8 && start[8] == '{' && start[7] == 0) {
      return SAFETENSORS;
    }
    if (text.startsWith("version https://git-lfs")) {
      return LFS_POINTER;
    }
    if (text.startsWith("PK\3\4")) {
      return ZIP;
    }
    if (start.length > 1 && start[0] == (byte) 0x80 && start[1] >= 2 && start[1] <= 5) {
      return PICKLE;
    }
    if (text.startsWith("\u0089PNG")
        || text.startsWith("\u00ff\u00d8\u00ff")
        || text.startsWith("RIFF")) {
      return PICTURE;
    }
    return ofText(start, text);
  }

  private static FileKind ofText(byte[] start, String text) {
    String shown = text.startsWith("\u00ef\u00bb\u00bf") ? text.substring(3) : text;
    shown = shown.stripLeading();
    if (shown.startsWith("<")) {
      return WEB_PAGE;
    }
    if (shown.startsWith("{")) {
      return JSON;
    }
    for (byte b : start) {
      // Bytes of 128 and more may be UTF-8.
      if (b >= 0 && b < ' ' && b != '\n' && b != '\r' && b != '\t') {
        return OTHER;
      }
    }
    return TEXT;
  }
}
