"""golden/resize.safetensors: PIL's LANCZOS and BICUBIC on 8-bit RGB."""

import numpy as np
from PIL import Image

import common

FILTERS = {"lanczos": Image.LANCZOS, "bicubic": Image.BICUBIC}
# input size (w, h) -> output sizes (w, h)
CASES = {
    (37, 23): [(37, 23), (74, 46), (18, 11), (5, 61), (61, 5), (1, 1), (36, 24), (37, 9), (9, 23), (112, 84)],
    (64, 48): [(32, 24), (96, 96), (84, 84), (7, 48)],
    (128, 96): [(96, 64), (28, 28), (3, 2)],
    (1, 1): [(1, 1), (5, 3)],
    (1, 19): [(4, 8), (1, 7)],
    (19, 1): [(8, 4), (30, 1)],
    (300, 2): [(4, 30), (150, 1)],
    (2, 300): [(30, 4), (1, 33)],
    (2, 2): [(33, 31)],
}


def main():
    tensors, seeds = {}, []
    for i, ((w, h), outputs) in enumerate(CASES.items()):
        seed = 300 + i
        seeds.append(seed)
        rng = np.random.default_rng(seed)
        noise = rng.integers(0, 256, (h, w, 3), dtype=np.uint8)
        # Hard black and white makes the filters overshoot, so that clipping between the passes counts.
        hard = (rng.integers(0, 2, (h, w, 3)) * 255).astype(np.uint8)
        for kind, array in (("noise", noise), ("hard", hard)):
            if kind == "hard" and w * h > 1000:
                continue
            name = f"{kind}.{w}x{h}"
            tensors[f"in.{name}"] = array
            image = Image.fromarray(array)
            for filt, mode in FILTERS.items():
                for ow, oh in outputs:
                    tensors[f"out.{name}.{filt}.{ow}x{oh}"] = np.asarray(image.resize((ow, oh), resample=mode))
    # Pictures as the pipelines resize them.
    for path, sizes in (
        ("examples/wide.png", [(128, 96)]),
        ("examples/scene.png", [(96, 96)]),
        ("reference/golden/pictures/odd.png", [(96, 160), (64, 128)]),
    ):
        image = common.rgb(common.ROOT / path)
        for ow, oh in sizes:
            tensors[f"out.{path}.lanczos.{ow}x{oh}"] = np.asarray(image.resize((ow, oh), resample=Image.LANCZOS))
    common.golden("resize", "resize", {"inputs": "in.<name> or a picture's path"}, tensors, seeds)


if __name__ == "__main__":
    common.run("resize", main)
