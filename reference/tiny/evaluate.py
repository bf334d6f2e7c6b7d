"""Measures a model folder with diffusers in float32 on held-out scenes, and draws the contact sheet.

An edit is right when the PSNR against the exact answer is at least 18 dB inside the edited object's box and at least 27 dB outside of
it; where the background changes, the boxes of all objects take the place of the edited one's.
"""

import math
import textwrap

import numpy as np
import torch
from PIL import Image, ImageDraw

import pipes
import vae
import world

INSIDE, OUTSIDE = 18.0, 27.0  # dB


def paint(pipelines, sample, steps, seed):
    """The model's answer to a sample, uint8 [128, 128, 3]."""
    options = {
        "prompt": sample.prompt,
        "num_inference_steps": steps,
        "true_cfg_scale": 1.0,
        "width": world.SIZE,
        "height": world.SIZE,
        "generator": torch.Generator().manual_seed(seed),
    }
    if sample.references:
        return np.asarray(pipelines["QwenImageEditPlusPipeline"](image=[world.picture(r) for r in sample.references], **options).images[0])
    return np.asarray(pipelines["QwenImagePipeline"](**options).images[0])


def psnr(a, b):
    """PSNR in dB of pixels a against b; 99 where they are equal."""
    error = np.square(a.astype(np.float64) - b.astype(np.float64)).mean()
    return 99.0 if error == 0 else -10 * math.log10(error / 255**2)


def is_right(sample, got, answer):
    inside = np.zeros((world.SIZE, world.SIZE), bool)
    for left, top, right, bottom in sample.boxes:
        inside[top:bottom, left:right] = True
    return psnr(got[inside], answer[inside]) >= INSIDE and psnr(got[~inside], answer[~inside]) >= OUTSIDE


@torch.no_grad()
def measure(pipelines, task, count, steps):
    """{"psnr", "least", "right" (share, edits only), "unchanged"} of a task, and the first samples with their pictures."""
    values, right, kept, shown = [], [], [], []
    for seed, sample in enumerate(world.evaluation(task, count)):
        got, answer = paint(pipelines, sample, steps, seed), world.render(sample.target)
        values.append(psnr(got, answer))
        if sample.references:
            right.append(is_right(sample, got, answer))
            kept.append(psnr(world.render(sample.references[0]), answer))
        shown.append((sample, got))
    row = {"psnr": float(np.mean(values)), "least": float(np.min(values))}
    if right:
        row |= {"right": float(np.mean(right)), "unchanged": float(np.mean(kept))}
    return row, shown


def sheet(shown, columns=3):
    """Contact sheet: per sample its prompt, the references, the model's answer, the exact one."""
    cell, line = world.SIZE + 4, 28
    rows = math.ceil(len(shown) / columns)
    image = Image.new("RGB", (columns * (4 * cell + 8), rows * (cell + line)), "white")
    draw = ImageDraw.Draw(image)
    for i, (sample, got) in enumerate(shown):
        x, y = (i % columns) * (4 * cell + 8), (i // columns) * (cell + line)
        draw.text((x + 1, y + 1), textwrap.fill(sample.prompt, 84), fill="black")
        pictures = [world.render(r) for r in sample.references]
        pictures = pictures + [None] * (2 - len(pictures)) + [got, world.render(sample.target)]
        for k, picture in enumerate(pictures):
            if picture is not None:
                image.paste(Image.fromarray(picture), (x + k * cell, y + line))
    return image


def evaluate(model, count=64, shown=6):
    """All figures of a folder: {"vae": dB, "tasks": {task: row}, "steps": {4, 20: {task: dB}}}, and the contact sheet."""
    pipelines = pipes.load(model)
    figures, cells = {"scenes": count, "vae": vae.round_trip(pipelines["QwenImagePipeline"].vae, count), "tasks": {}, "steps": {"4": {}, "20": {}}}, []
    print(f"VAE round trip {figures['vae']:.1f} dB", flush=True)
    for task in world.TASKS:
        row, pictures = measure(pipelines, task, count, 8)
        figures["tasks"][task] = row
        cells += pictures[:shown]
        for steps in (4, 20):
            figures["steps"][str(steps)][task] = measure(pipelines, task, count, steps)[0]["psnr"]
        print(table({**figures, "tasks": {task: row}}).splitlines()[-1], flush=True)
    return figures, sheet(cells)


def table(figures):
    lines = ["| task | mean PSNR | least | edit right | 4 steps | 20 steps | input unchanged |", "|---|---|---|---|---|---|---|"]
    for task, row in figures["tasks"].items():
        right = f"{100 * row['right']:.0f} %" if "right" in row else "–"
        kept = f"{row['unchanged']:.1f} dB" if "unchanged" in row else "–"
        few, many = (figures["steps"][k][task] for k in ("4", "20"))
        lines.append(f"| {task} | {row['psnr']:.1f} dB | {row['least']:.1f} dB | {right} | {few:.1f} dB | {many:.1f} dB | {kept} |")
    return "\n".join(lines)


def publish(figures, readme):
    """Prints the table and puts it between README's two marks."""
    lines = table(figures)
    print(lines)
    first, last = "<!-- figures -->\n", "<!-- end of figures -->"
    before, rest = readme.read_text("utf-8").split(first)
    after = rest.split(last)[1]
    vae_line = f"VAE round trip: {figures['vae']:.1f} dB. Scenes a task: {figures['scenes']}.\n"
    readme.write_text(f"{before}{first}\n{lines}\n\n{vae_line}\n{last}{after}", "utf-8")
