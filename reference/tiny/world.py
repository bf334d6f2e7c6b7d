"""The toy world: scenes of shapes on a plain background, edits of them in words, and the exact answer to each.

A scene is a background and one to four objects, each in its own quarter of the picture and of its own shape. Everything is drawn
by this program, so the right answer to every prompt is known to the last pixel. `Sample.held_out` splits the world in two by a hash
of the scenes: training never draws a held-out sample, evaluation draws nothing else.
"""

import dataclasses
import functools
import math
import random
import zlib

import numpy as np
from PIL import Image, ImageDraw

SIZE = 128
COLORS = {
    "red": (214, 40, 40),
    "yellow": (252, 212, 60),
    "green": (46, 160, 67),
    "blue": (33, 96, 214),
    "purple": (130, 60, 190),
    "white": (245, 245, 245),
}
BACKGROUNDS = {"sand": (236, 216, 170), "sky": (150, 205, 240), "grey": (150, 152, 158), "navy": (28, 42, 88)}
SHAPES = ("circle", "square", "triangle", "star", "heart", "cross")
PLACES = {"top left": (32, 32), "top right": (96, 32), "bottom left": (32, 96), "bottom right": (96, 96)}
RADII = range(19, 26)
NEW_RADIUS = 22  # of an object that words alone place; it sits in the middle of its quarter
WANDER = 5  # how far an object may sit from that middle, in pixels
TASKS = ("recolor", "replace", "remove", "background", "add", "combine", "text-to-image")
EDITS = TASKS[:-1]

# Several ways to say the same. {n} names the object ("red circle" or "circle"), {c} is a color, {m} a new object ("blue star").
PHRASES = {
    "recolor": (
        "Make the {n} {c}",
        "Turn the {n} {c}",
        "Paint the {n} {c}",
        "Change the {n} to {c}",
        "Change the color of the {n} to {c}",
        "Recolor the {n} in {c}",
        "The {n} should be {c}",
    ),
    "replace": (
        "Replace the {n} with a {m}",
        "Replace the {n} by a {m}",
        "Swap the {n} for a {m}",
        "Change the {n} into a {m}",
        "Turn the {n} into a {m}",
    ),
    "remove": ("Remove the {n}", "Delete the {n}", "Erase the {n}", "Take away the {n}", "Take the {n} out of the picture"),
    "background": (
        "Change the background to {b}",
        "Make the background {b}",
        "Set the background to {b}",
        "Use a {b} background",
        "Put it on a {b} background",
    ),
    "add": (
        "Add a {m} at the {p}",
        "Put a {m} at the {p}",
        "Draw a {m} at the {p}",
        "Place a {m} in the {p} corner",
        "Add a {m} to the {p} corner",
    ),
    "combine": (
        "Put the {n} of Picture 2 at the {p} of Picture 1",
        "Place the {n} from Picture 2 at the {p} of Picture 1",
        "Add the {n} of Picture 2 to the {p} of Picture 1",
        "Copy the {n} from Picture 2 to the {p} of Picture 1",
    ),
    "text-to-image": ("{o} on a {b} background", "{o} on {b}", "A picture of {o} on a {b} background", "A {b} background with {o}"),
}


@dataclasses.dataclass(frozen=True)
class Thing:
    """One object: its shape and color, where its middle is (pixels from the top left) and its radius."""

    shape: str
    color: str
    place: str
    x: int
    y: int
    r: int

    @property
    def name(self):
        return f"{self.color} {self.shape}"

    @property
    def box(self):
        """The pixels that it may cover: left, top, right, bottom."""
        return self.x - self.r - 1, self.y - self.r - 1, self.x + self.r + 1, self.y + self.r + 1

    def centered(self):
        x, y = PLACES[self.place]
        return dataclasses.replace(self, x=x, y=y, r=NEW_RADIUS)


@dataclasses.dataclass(frozen=True)
class Scene:
    background: str
    things: tuple


@dataclasses.dataclass(frozen=True)
class Sample:
    """References (scenes), the prompt, the exact answer, and the boxes in it that count apart: the edited object, or, where the
    background changes, the objects."""

    task: str
    references: tuple
    prompt: str
    target: Scene
    boxes: tuple = ()

    @property
    def held_out(self):
        """True for one sample in 16, told by its scenes alone: no phrasing of a held-out edit is ever trained on."""
        return zlib.crc32(repr((self.references, self.target)).encode()) % 16 == 0


def _outline(shape, r):
    """The corners of a shape of radius r around the origin."""
    if shape == "square":
        w = 0.85 * r
        return [(-w, -w), (w, -w), (w, w), (-w, w)]
    if shape == "triangle":
        return [(r * math.cos(a), r * math.sin(a)) for a in (-math.pi / 2, math.pi / 6, 5 * math.pi / 6)]
    if shape == "star":
        turn = [(r if i % 2 == 0 else 0.45 * r, -math.pi / 2 + i * math.pi / 5) for i in range(10)]
        return [(s * math.cos(a), s * math.sin(a)) for s, a in turn]
    if shape == "cross":
        w = 0.36 * r
        return [(-w, -r), (w, -r), (w, -w), (r, -w), (r, w), (w, w), (w, r), (-w, r), (-w, w), (-r, w), (-r, -w), (-w, -w)]
    turn = [2 * math.pi * i / 40 for i in range(40)]
    if shape == "circle":
        return [(r * math.cos(a), r * math.sin(a)) for a in turn]
    heart = [(16 * math.sin(a) ** 3, 13 * math.cos(a) - 5 * math.cos(2 * a) - 2 * math.cos(3 * a) - math.cos(4 * a)) for a in turn]
    return [(r * x / 17, -r * y / 17) for x, y in heart]


@functools.cache
def _coverage(shape, r):
    """How much of each pixel the shape covers, 0 to 1, in a square of 2·(r+1) pixels; edges averaged over 8×8 samples."""
    side, fine = 2 * (r + 1), 8
    image = Image.new("L", (side * fine, side * fine))
    draw = ImageDraw.Draw(image)
    if shape == "circle":
        draw.ellipse([fine, fine, (side - 1) * fine - 1, (side - 1) * fine - 1], fill=255)
    else:
        draw.polygon([((x + r + 1) * fine, (y + r + 1) * fine) for x, y in _outline(shape, r)], fill=255)
    return np.asarray(image, np.float32).reshape(side, fine, side, fine).mean((1, 3))[..., None] / 255


@functools.cache
def _backdrop(name):
    """A background is a little lighter at the top than at the bottom."""
    shade = np.linspace(1.06, 0.90, SIZE, dtype=np.float32)[:, None, None]
    return np.broadcast_to(np.clip(shade * np.array(BACKGROUNDS[name], np.float32), 0, 255), (SIZE, SIZE, 3)).copy()


def render(scene):
    """The scene's picture, uint8 [128, 128, 3]."""
    canvas = _backdrop(scene.background).copy()
    for thing in scene.things:
        left, top, right, bottom = thing.box
        patch = canvas[top:bottom, left:right]
        patch += (np.array(COLORS[thing.color], np.float32) - patch) * _coverage(thing.shape, thing.r)
    return np.rint(canvas).astype(np.uint8)


def picture(scene):
    return Image.fromarray(render(scene))


def _thing(rng, place, shapes):
    x, y = PLACES[place]
    wander = lambda: rng.randint(-WANDER, WANDER)  # noqa: E731
    return Thing(rng.choice(shapes), rng.choice(list(COLORS)), place, x + wander(), y + wander(), rng.choice(RADII))


def draw_scene(rng, count):
    """A scene of `count` objects of different shapes."""
    things = []
    for place in rng.sample(list(PLACES), count):
        things.append(_thing(rng, place, [s for s in SHAPES if s not in {t.shape for t in things}]))
    return Scene(rng.choice(list(BACKGROUNDS)), tuple(things))


def _say(rng, task, **words):
    text = rng.choice(PHRASES[task]).format(**words)
    text = text[0].upper() + text[1:] if rng.random() < 0.85 else text[0].lower() + text[1:]
    return text + ("." if rng.random() < 0.75 else "")


def _draw(rng, task):
    before = draw_scene(rng, rng.choice((1, 2, 2, 3)))
    things, k = list(before.things), rng.randrange(len(before.things))
    old = things[k]
    free = [p for p in PLACES if p not in {t.place for t in things}]
    unseen = [s for s in SHAPES if s not in {t.shape for t in things}]
    name = rng.choice((old.name, old.shape))
    references, background, boxes = (before,), before.background, (old.box,)
    if task == "recolor":
        color = rng.choice([c for c in COLORS if c != old.color])
        things[k] = dataclasses.replace(old, color=color)
        words = {"n": name, "c": color}
    elif task == "replace":
        things[k] = dataclasses.replace(old, shape=rng.choice(unseen), color=rng.choice(list(COLORS)))
        words = {"n": name, "m": things[k].name}
    elif task == "remove":
        del things[k]
        words = {"n": name}
    elif task == "background":
        background = rng.choice([b for b in BACKGROUNDS if b != before.background])
        boxes = tuple(t.box for t in things)
        words = {"b": background}
    elif task == "add":
        new = _thing(rng, rng.choice(free), unseen).centered()
        things, boxes = [*things, new], (new.box,)
        words = {"m": new.name, "p": new.place}
    elif task == "combine":
        second = draw_scene(rng, rng.choice((1, 1, 1, 2)))
        source = rng.choice(second.things)
        new = dataclasses.replace(source, place=rng.choice(free)).centered()
        references, things, boxes = (before, second), [*things, new], (new.box,)
        words = {"n": rng.choice((source.name, source.shape)), "p": new.place}
    else:
        things, references, boxes = [t.centered() for t in things], (), ()
        listed = [f"a {t.name} at the {t.place}" for t in things]
        words = {"o": " and ".join([", ".join(listed[:-1]), listed[-1]] if len(listed) > 1 else listed), "b": background}
    return Sample(task, references, _say(rng, task, **words), Scene(background, tuple(things)), boxes)


def draw(rng, task, held_out=False):
    """A sample of the task from the half of the world that is asked for."""
    while True:
        sample = _draw(rng, task)
        if sample.held_out == held_out:
            return sample


def evaluation(task, count):
    """The evaluation's samples: the same ones in every run."""
    rng = random.Random(f"evaluation of {task}")
    return [draw(rng, task, held_out=True) for _ in range(count)]


def corpus():
    """Every word of the world in every place where it may stand, for the tokenizer."""
    nouns = [*COLORS, *BACKGROUNDS, *SHAPES, *PLACES]
    for color in COLORS:
        for shape in SHAPES:
            for phrase in (p for group in PHRASES.values() for p in group):
                words = {"n": f"{color} {shape}", "m": f"{color} {shape}", "c": color, "b": "sand", "p": "top left", "o": f"a {shape}"}
                text = phrase.format(**words)
                yield from (text, text[0].upper() + text[1:] + ".", text[0].lower() + text[1:])
    extra = (
        "a an the of at on to in and with put make change turn replace remove delete add move swap place object shape color background "
        "picture image please it is into from left right top bottom corner center middle side big small large draw erase copy set use"
    )
    for word in [*nouns, *extra.split()]:
        yield from (word, " " + word, word.capitalize(), " " + word.capitalize(), word + ".", f" {word}.", f" {word},", f" {word}s")
