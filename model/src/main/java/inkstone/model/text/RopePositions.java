package inkstone.model.text;

/** Where the rotary embedding of the decoder puts the tokens of a picture. */
public enum RopePositions {
  /**
   * Every token at its index, pictures included. This is what diffusers 0.42.1 gets from
   * transformers 5: it passes no {@code mm_token_type_ids}, so the model falls back to it.
   */
  SEQUENTIAL,

  /**
   * Tokens of a picture by row and column, the text after it from the greatest of these on: {@code
   * get_rope_index}, what the model was trained with and what diffusers got from transformers 4.
   */
  IMAGE_GRID
}
