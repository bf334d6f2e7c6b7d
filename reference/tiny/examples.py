"""The pictures and prompts of examples/: each prompt with its exact answer, so that it is known to work."""

import json
from dataclasses import replace

import numpy as np

import common
import evaluate
import pipes
import world
from world import Sample, Scene, Thing

STAR, CIRCLE = Thing("star", "yellow", "top left", 32, 31, 22), Thing("circle", "red", "bottom right", 99, 94, 22)
HEART, CROSS = Thing("heart", "red", "top right", 93, 36, 23), Thing("cross", "green", "bottom left", 32, 96, 22)
BLUE_HEART = Thing("heart", "blue", "bottom left", 32, 98, 21)
TRIANGLE, SUN = Thing("triangle", "purple", "top left", 32, 32, 22), Thing("circle", "yellow", "top right", 96, 32, 22)
SQUARE = Thing("square", "white", "bottom left", 34, 99, 22)
SCENES = {
    "scene": Scene("grey", (STAR, CIRCLE)),
    "night": Scene("navy", (HEART, CROSS)),
    "heart": Scene("sand", (BLUE_HEART,)),
    "day": Scene("sky", (TRIANGLE, SUN, SQUARE)),
}
EDITS = (  # pictures, prompt, background and objects of the answer
    (("scene",), "Change the background to navy.", "navy", (STAR, CIRCLE)),
    (("scene",), "Make the red circle blue.", "grey", (STAR, replace(CIRCLE, color="blue"))),
    (("scene",), "Replace the star with a purple heart.", "grey", (replace(STAR, shape="heart", color="purple"), CIRCLE)),
    (("scene",), "Remove the circle.", "grey", (STAR,)),
    (("scene",), "Add a green square at the top right.", "grey", (STAR, CIRCLE, Thing("square", "green", "top right", 96, 32, 22))),
    (("night",), "Turn the heart yellow", "navy", (replace(HEART, color="yellow"), CROSS)),
    (("night",), "change the background to sand", "sand", (HEART, CROSS)),
    (("day",), "Delete the white square.", "sky", (TRIANGLE, SUN)),
    (
        ("night", "heart"),
        "Put the heart of Picture 2 at the bottom right of Picture 1.",
        "navy",
        (HEART, CROSS, replace(BLUE_HEART, place="bottom right").centered()),
    ),
)
WORDS = (
    "A red circle at the top left and a blue star at the bottom right on a sky background.",
    "sky",
    (Thing("circle", "red", "top left", 32, 32, 22), Thing("star", "blue", "bottom right", 96, 96, 22)),
)


def samples():
    edits = [Sample("edit", tuple(SCENES[n] for n in names), prompt, Scene(b, things)) for names, prompt, b, things in EDITS]
    return [*edits, Sample("text-to-image", (), WORDS[0], Scene(*WORDS[1:]))]


def write():
    """The pictures and prompts.json; wide.png is no scene of the world and stays."""
    for name, scene in SCENES.items():
        world.picture(scene).save(common.EXAMPLES / f"{name}.png", optimize=True)
    prompts = [{"picture": [f"{n}.png" for n in names], "prompt": prompt} for names, prompt, *_ in EDITS]
    prompts.append({"picture": [], "prompt": WORDS[0]})
    (common.EXAMPLES / "prompts.json").write_text(json.dumps(prompts, indent=1) + "\n", "utf-8")


def measure(model, steps=8, seed=0):
    """Prints the PSNR of the model's answer to every example."""
    pipelines, values = pipes.load(model), []
    for sample in samples():
        values.append(evaluate.psnr(evaluate.paint(pipelines, sample, steps, seed), world.render(sample.target)))
        print(f"{values[-1]:5.1f} dB  {sample.prompt}", flush=True)
    print(f"{np.mean(values):5.1f} dB  mean of the examples")
