"""One edit with diffusers as a program of its own, imports included: what bench/compare times beside `./inkstone edit`.

    python reference/edit_once.py -r examples/scene.png -p "Change the background to navy." --steps 4 --threads 2 -o out.png
"""

import argparse
import os
from pathlib import Path


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    root = Path(__file__).resolve().parent.parent
    parser.add_argument("-m", "--model", type=Path, default=root / "models" / "tiny-qwen-image-edit")
    parser.add_argument("-r", "--ref-image", type=Path, required=True)
    parser.add_argument("-p", "--prompt", required=True)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("-o", "--output", type=Path, required=True)
    args = parser.parse_args()
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = str(args.threads)
    os.environ.setdefault("HF_HUB_OFFLINE", "1")

    import json

    import torch
    from diffusers import QwenImageEditPlusPipeline
    from diffusers.pipelines.qwenimage import pipeline_qwenimage_edit_plus as plus
    from PIL import Image

    torch.set_num_threads(args.threads)
    areas = json.loads((args.model / "inkstone.json").read_text("utf-8"))
    plus.VAE_IMAGE_SIZE, plus.CONDITION_IMAGE_SIZE = areas["vae_image_area"], areas["condition_image_area"]
    pipe = QwenImageEditPlusPipeline.from_pretrained(args.model, dtype=torch.float32)
    pipe.set_progress_bar_config(disable=True)
    image = Image.open(args.ref_image).convert("RGB")
    width, height = plus.calculate_dimensions(areas["vae_image_area"], image.size[0] / image.size[1])
    out = pipe(image=[image], prompt=args.prompt, width=width // 16 * 16, height=height // 16 * 16,
               num_inference_steps=args.steps, true_cfg_scale=1.0, generator=torch.Generator("cpu").manual_seed(args.seed))
    out.images[0].save(args.output)


if __name__ == "__main__":
    main()
