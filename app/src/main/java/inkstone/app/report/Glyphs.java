package inkstone.app.report;

import java.util.HashMap;
import java.util.Locale;
import java.util.Map;

/** Letters of 5×7 pixels: capitals, digits and some signs. Others show as a filled box. */
final class Glyphs {
  static final int WIDTH = 5;
  static final int HEIGHT = 7;

  /** From one letter to the next, in pixels. */
  static final int ADVANCE = 6;

  /** A letter, then its rows from the top. */
  private static final String SHAPES =
      """
      A .###. #...# #...# ##### #...# #...# #...#
      B ####. #...# #...# ####. #...# #...# ####.
      C .###. #...# #.... #.... #.... #...# .###.
      D ####. #...# #...# #...# #...# #...# ####.
      E ##### #.... #.... ####. #.... #.... #####
      F ##### #.... #.... ####. #.... #.... #....
      G .###. #...# #.... #.### #...# #...# .####
      H #...# #...# #...# ##### #...# #...# #...#
      I .###. ..#.. ..#.. ..#.. ..#.. ..#.. .###.
      J ..### ...#. ...#. ...#. ...#. #..#. .##..
      K #...# #..#. #.#.. ##... #.#.. #..#. #...#
      L #.... #.... #.... #.... #.... #.... #####
      M #...# ##.## #.#.# #.#.# #...# #...# #...#
      N #...# #...# ##..# #.#.# #..## #...# #...#
      O .###. #...# #...# #...# #...# #...# .###.
      P ####. #...# #...# ####. #.... #.... #....
      Q .###. #...# #...# #...# #.#.# #..#. .##.#
      R ####. #...# #...# ####. #.#.. #..#. #...#
      S .#### #.... #.... .###. ....# ....# ####.
      T ##### ..#.. ..#.. ..#.. ..#.. ..#.. ..#..
      U #...# #...# #...# #...# #...# #...# .###.
      V #...# #...# #...# #...# #...# .#.#. ..#..
      W #...# #...# #...# #.#.# #.#.# ##.## #...#
      X #...# #...# .#.#. ..#.. .#.#. #...# #...#
      Y #...# #...# .#.#. ..#.. ..#.. ..#.. ..#..
      Z ##### ....# ...#. ..#.. .#... #.... #####
      0 .###. #...# #..## #.#.# ##..# #...# .###.
      1 ..#.. .##.. ..#.. ..#.. ..#.. ..#.. .###.
      2 .###. #...# ....# ..##. .#... #.... #####
      3 ##### ...#. ..#.. ...#. ....# #...# .###.
      4 ...#. ..##. .#.#. #..#. ##### ...#. ...#.
      5 ##### #.... ####. ....# ....# #...# .###.
      6 ..##. .#... #.... ####. #...# #...# .###.
      7 ##### ....# ...#. ..#.. .#... .#... .#...
      8 .###. #...# #...# .###. #...# #...# .###.
      9 .###. #...# #...# .#### ....# ...#. .##..
      . ..... ..... ..... ..... ..... .##.. .##..
      , ..... ..... ..... ..... .##.. ..#.. .#...
      : ..... .##.. .##.. ..... .##.. .##.. .....
      - ..... ..... ..... ##### ..... ..... .....
      + ..... ..#.. ..#.. ##### ..#.. ..#.. .....
      % ##... ##..# ...#. ..#.. .#... #..## ...##
      / ..... ....# ...#. ..#.. .#... #.... .....
      ( ...#. ..#.. .#... .#... .#... ..#.. ...#.
      ) .#... ..#.. ...#. ...#. ...#. ..#.. .#...
      × ..... #...# .#.#. ..#.. .#.#. #...# .....
      Δ ..#.. ..#.. .#.#. .#.#. #...# #...# #####
      | ..#.. ..#.. ..#.. ..#.. ..#.. ..#.. ..#..
      """;

  private static final boolean[] BOX = shape("#####".repeat(HEIGHT));
  private static final Map<Character, boolean[]> ALL = read();

  private Glyphs() {}

  private static Map<Character, boolean[]> read() {
    Map<Character, boolean[]> all = new HashMap<>();
    all.put(' ', new boolean[WIDTH * HEIGHT]);
    SHAPES
        .lines()
        .forEach(line -> all.put(line.charAt(0), shape(line.substring(2).replace(" ", ""))));
    return all;
  }

  private static boolean[] shape(String dots) {
    boolean[] shape = new boolean[WIDTH * HEIGHT];
    for (int i = 0; i < shape.length; i++) {
      shape[i] = dots.charAt(i) == '#';
    }
    return shape;
  }

  /** Pixels of a letter, {@code [HEIGHT, WIDTH]}; small letters show as capitals. */
  static boolean[] of(char letter) {
    return ALL.getOrDefault(String.valueOf(letter).toUpperCase(Locale.ROOT).charAt(0), BOX);
  }
}
