"""Runs diffusers on a model folder on CPU in float32, writes the picture, and may compare it with another one.

    python reference/compare.py -m models/tiny-qwen-image-edit -r examples/scene.png -p "Change the background to navy." \
        --steps 4 --seed 7 -o expected.png --against edited.png

Exits 1 when a channel differs by more than 2 of 255, or by more than 0.2 on average, or when the sizes differ.
"""

import argparse
import json
import sys
from pathlib import Path

import common


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-m", "--model", type=Path, default=common.TINY)
    parser.add_argument("-p", "--prompt", required=True)
    parser.add_argument("-n", "--negative-prompt", help="without one diffusers does no guidance, whatever the scale")
    parser.add_argument("-r", "--ref-image", action="append", default=[], type=Path, help="repeatable, in order")
    parser.add_argument("-s", "--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--cfg-scale", type=float, default=1.0)
    parser.add_argument("-W", "--width", type=int)
    parser.add_argument("-H", "--height", type=int)
    parser.add_argument("--sigmas", help="a comma-separated list, as given to the pipeline")
    parser.add_argument("--scheduler", type=json.loads, help='JSON that overrides the scheduler\'s config, as {"shift_terminal": null}')
    parser.add_argument("--ref-cache", type=json.loads,
                        help='JSON of kv_twin.RefCache, as {"policy": "anchored", "warmup": 1, "every": 4, "layers": [2, 4]}')
    parser.add_argument("--vae-tiling", action="store_true")
    parser.add_argument("--pipeline", choices=("QwenImagePipeline", "QwenImageEditPlusPipeline", "QwenImageEditPipeline"),
                        help="default: the folder's class with pictures, QwenImagePipeline without")
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--against", type=Path, help="a PNG to compare with; with --from, the two files only")
    parser.add_argument("--from", dest="existing", action="store_true", help="take -o as it is, run nothing")
    args = parser.parse_args()
    if args.existing and not args.against:
        parser.error("--from needs --against")
    if (args.width is None) != (args.height is None):
        parser.error("-W and -H go together")
    return args


def make(args):
    from PIL import Image

    import kv_twin
    import pipeline
    import pipes

    common.settle()
    name = args.pipeline
    if name is None:
        name = "QwenImagePipeline"
        if args.ref_image:
            name = json.loads((args.model / "model_index.json").read_text("utf-8"))["_class_name"]
            if name == "QwenImagePipeline":
                name = "QwenImageEditPlusPipeline"
    pictures = [str(p.resolve()) for p in args.ref_image]
    if (name == "QwenImagePipeline") == bool(pictures):
        sys.exit(f"{name}: " + ("takes no pictures" if pictures else "needs a picture, give -r"))
    if name == "QwenImageEditPipeline" and len(pictures) != 1:
        sys.exit(f"{name}: takes one picture, got {len(pictures)}")
    width, height = args.width, args.height
    if width is None:
        width, height = pipes.default_size(name, args.model, pipeline.load_pictures(pictures))
    request = {
        "prompt": args.prompt, "negative_prompt": args.negative_prompt, "pictures": pictures, "width": width,
        "height": height, "steps": args.steps, "cfg": args.cfg_scale, "seed": args.seed, "scheduler": args.scheduler,
        "vae_tiling": args.vae_tiling,
        "sigmas": [float(v) for v in args.sigmas.split(",")] if args.sigmas else None,
    }
    pipe = pipes.load(args.model)[name]
    with kv_twin.of(pipe.transformer, args.ref_cache):
        image = pipeline.run(pipe, args.model, request)
    args.output.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image.numpy()).save(args.output)
    print(f"{name} {image.shape[1]}x{image.shape[0]} seed {args.seed} -> {args.output}")


def compare(a, b):
    """(max, mean) absolute difference of two pictures in units of 1/255, or None when their sizes differ."""
    one, two = common.pixels(common.rgb(a)).int(), common.pixels(common.rgb(b)).int()
    if one.shape != two.shape:
        return None
    difference = (one - two).abs()
    return difference.max().item(), difference.double().mean().item()


def main():
    args = arguments()
    if not args.existing:
        make(args)
    if args.against:
        found = compare(args.output, args.against)
        if found is None:
            sys.exit(f"{args.output} and {args.against} differ in size")
        largest, mean = found
        verdict = "equal enough" if largest <= 2 and mean <= 0.2 else "too different"
        print(f"max {largest}/255, mean {mean:.5f}/255: {verdict}")
        sys.exit(0 if verdict == "equal enough" else 1)


if __name__ == "__main__":
    main()
