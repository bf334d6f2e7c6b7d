"""golden/pictures/*.png: small pictures of odd sizes, drawn from a seed, as inputs of the other goldens."""

import numpy as np
from PIL import Image

import common

SIZES = {"odd": (77, 131), "small": (40, 24), "tall": (60, 150), "plate": (200, 120)}


def draw(seed, width, height):
    """Smooth waves, two hard-edged discs and a little grain: low, high and broad frequencies."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    out = np.zeros((height, width, 3))
    for c in range(3):
        fx, fy, phase = rng.uniform(0.02, 0.12, 2).tolist() + [rng.uniform(0, 6)]
        out[..., c] = 128 + 90 * np.sin(fx * x + fy * y + phase)
    for _ in range(2):
        cx, cy, r = rng.uniform(0, width), rng.uniform(0, height), rng.uniform(6, max(7, min(width, height) / 3))
        out[(x - cx) ** 2 + (y - cy) ** 2 < r * r] = rng.uniform(0, 255, 3)
    out += rng.normal(0, 6, out.shape)
    return Image.fromarray(np.clip(np.round(out), 0, 255).astype(np.uint8))


def main():
    common.PICTURES.mkdir(parents=True, exist_ok=True)
    for i, (name, (w, h)) in enumerate(SIZES.items()):
        path = common.PICTURES / f"{name}.png"
        draw(100 + i, w, h).save(path)
        common.wrote(path, (100 + i,))


if __name__ == "__main__":
    common.run("pictures", main)
