package inkstone.model.text;

import inkstone.loader.CheckpointException;
import inkstone.loader.json.Json;

/**
 * A token that is found in the text before the byte-pair model sees it.
 *
 * @param singleWord only where no word character touches it
 * @param lstrip takes the spaces before it along
 * @param rstrip takes the spaces after it along
 * @param normalized looked for in the normalized text, in normalized form
 */
record AddedToken(
    String content,
    int id,
    boolean singleWord,
    boolean lstrip,
    boolean rstrip,
    boolean normalized) {

  /** Longest content that is accepted, in characters; Qwen's longest has 20. */
  static final int MAX_CHARS = 512;

  AddedToken {
    if (content.isEmpty() || content.length() > MAX_CHARS) {
      throw new IllegalArgumentException(
          "AddedToken: content, expected 1 to "
              + MAX_CHARS
              + " characters, got "
              + content.length());
    }
  }

  /** From an object with the flags; absent flags have the reference's defaults. */
  static AddedToken of(Json json, int id) throws CheckpointException {
    boolean special = json.flag("special", false);
    return new AddedToken(
        content(json.get("content")),
        id,
        json.flag("single_word", false),
        json.flag("lstrip", false),
        json.flag("rstrip", false),
        json.flag("normalized", !special));
  }

  /** A content that fits, or an error naming its key. */
  static String content(Json json) throws CheckpointException {
    String content = json.asString();
    return checked(content, json);
  }

  static String checked(String content, Json at) throws CheckpointException {
    if (content.isEmpty() || content.length() > MAX_CHARS) {
      throw at.error(
          "a token of 1 to " + MAX_CHARS + " characters", content.length() + " characters");
    }
    return content;
  }
}
