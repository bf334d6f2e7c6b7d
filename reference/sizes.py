"""golden/sizes.json: calculate_dimensions, smart_resize and the output size of each pipeline for many inputs."""

import json
import random

import common


def main():
    from diffusers.pipelines.qwenimage.pipeline_qwenimage_edit_plus import calculate_dimensions
    from transformers.models.qwen2_vl.image_processing_qwen2_vl import smart_resize

    rnd = random.Random(20)
    pictures = [
        (1920, 1080), (1080, 1920), (8000, 6000), (1024, 1024), (128, 128), (384, 288), (77, 131), (40, 24), (1, 1),
        (3, 2), (2, 3), (16, 9), (9, 16), (21, 9), (1000, 1001), (4096, 64), (64, 4096), (1, 100), (100, 1), (5, 4),
    ] + [(rnd.randint(1, 9000), rnd.randint(1, 9000)) for _ in range(120)]
    # A square of side 32 * (k + 0.5) asks for a half: Python rounds it to the even neighbour.
    ties = [(int((32 * k + 16) ** 2), 1, 1) for k in range(0, 40)]
    dimensions = [(area, w, h) for area in (1024 * 1024, 384 * 384, 128 * 128, 96 * 96) for w, h in pictures] + ties
    shapes = [(h, w, 28, 3136, 12845056) for w, h in pictures if max(w, h) / min(w, h) <= 200]
    shapes += [(96, 96, 28, 3136, 12845056), (384, 384, 28, 3136, 12845056), (64, 128, 28, 3136, 12845056),
               (42, 70, 28, 3136, 12845056), (14, 14, 28, 3136, 12845056), (20000, 20000, 28, 3136, 12845056),
               (70, 98, 28, 3136, 12845056), (100, 100, 28, 3136, 5000), (10, 1900, 28, 3136, 12845056),
               (56, 56, 28, 3136, 12845056), (55, 57, 28, 3136, 12845056), (13, 2000, 28, 3136, 100352)]
    shapes += [(rnd.randint(1, 3000), rnd.randint(20, 3000), f, f * f * 4, f * f * 1280)
               for f in (28, 32, 16, 12) for _ in range(40)]
    shapes = [s for s in shapes if max(s[:2]) / min(s[:2]) <= 200]
    refused = [(1, 201), (201, 1), (10, 2001)]
    for h, w in refused:
        try:
            smart_resize(h, w)
        except ValueError:
            continue
        raise AssertionError((h, w))
    floors = [(w, h, w // 16 * 16, h // 16 * 16)
              for w, h in [(128, 128), (96, 160), (129, 143), (16, 31), (1000, 700), (15, 16)]]
    data = {
        "calculate_dimensions": {
            "columns": ["area", "picture_width", "picture_height", "width", "height"],
            "rows": [[a, w, h, *calculate_dimensions(a, w / h)] for a, w, h in dimensions],
        },
        "smart_resize": {
            "columns": ["height", "width", "factor", "min_pixels", "max_pixels", "new_height", "new_width"],
            "rows": [[*s, *smart_resize(*s)] for s in shapes],
            "refused": [list(r) for r in refused],
        },
        "floor_to_16": {"columns": ["width", "height", "used_width", "used_height"], "rows": [list(f) for f in floors]},
    }
    path = common.GOLDEN / "sizes.json"
    text = json.dumps(data).replace("], [", "],\n[")
    path.write_text(text + "\n", "utf-8")
    common.wrote(path, (20,))


if __name__ == "__main__":
    common.run("sizes", main)
