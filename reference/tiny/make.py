"""Makes the embedded model from nothing: world, tokenizer, latent space, VAE, transformer and text encoder, files, figures.

    python reference/tiny/make.py                          # everything that is not done yet
    python reference/tiny/make.py transformer --steps 9000 # train on: the rates rise again and fall to the new end
    python reference/tiny/make.py export evaluate          # the files, then the figures

A stop at any moment loses five minutes at most: the next run goes on from the last checkpoint in --work. It runs on a CUDA device
where PyTorch sees one, else on the CPU; --out is replaced as a whole once its new content is complete.
"""

import argparse
import json
import sys
from pathlib import Path

import torch

sys.path.insert(1, str(Path(__file__).resolve().parent.parent))  # after this folder: both have a vae.py

import common  # noqa: E402, I001  first: it sets what the libraries read when they load
import chart  # noqa: E402
import check  # noqa: E402
import evaluate  # noqa: E402
import examples  # noqa: E402
import export  # noqa: E402
import run  # noqa: E402
import train  # noqa: E402
import vae  # noqa: E402
import vocabulary  # noqa: E402
from latents import LatentSpace  # noqa: E402

STAGES = ("tokenizer", "latents", "check", "vae", "text", "transformer", "export", "examples", "evaluate")


def positive(text):
    """An argument that counts something."""
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"expected a number of 1 or more, got {text!r}")
    return int(text)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stages", nargs="*", choices=[*STAGES, []], help="default: all")
    parser.add_argument("--work", type=Path, default=run.WORK, help="checkpoints and logs (reference/tiny/work)")
    parser.add_argument("--out", type=Path, default=common.TINY, help="the model's folder (models/tiny-qwen-image-edit)")
    parser.add_argument("--steps", type=positive, default=6400, help="training steps of the transformer in all (6400)")
    parser.add_argument("--text-steps", type=positive, default=2500, help="training steps of the text encoder alone (2500)")
    parser.add_argument("--vae-steps", type=positive, default=2500, help="training steps of each half of the VAE (2500)")
    parser.add_argument("--batch", type=positive, default=32, help="scenes in a step of the transformer (32)")
    parser.add_argument("--scenes", type=positive, default=64, help="held-out scenes a task to measure (64)")
    parser.add_argument("--threads", type=positive, help="CPU threads (all)")
    args = parser.parse_args()
    if args.threads:
        torch.set_num_threads(args.threads)
    stages = args.stages or STAGES
    folder, latents = args.work / "tokenizer", args.work / "latents.npz"
    args.work.mkdir(parents=True, exist_ok=True)
    if "tokenizer" in stages and not folder.is_dir():
        vocabulary.build(folder)
    if "latents" in stages and not latents.is_file():
        LatentSpace.fit().save(latents)
    for path in (folder, latents):
        if not path.exists():
            run.fail(f"{path} is missing: run the stages tokenizer and latents first")
    space = LatentSpace.load(latents)
    if "check" in stages:
        check.check(str(folder))
    if "vae" in stages:
        vae.train("encoder", space, args.vae_steps, args.work)
        vae.train("decoder", space, args.vae_steps, args.work)
    if "text" in stages:
        train.train_text(str(folder), args.text_steps, args.work)
    if "transformer" in stages:
        train.train(space, str(folder), args.steps, args.work, args.batch)
    if "export" in stages:
        size = export.export(train.averaged(str(folder), args.work), vae.assemble(space, args.work), str(folder), args.out)
        print(f"{args.out}: {size / 1e6:.1f} MB")
    if "examples" in stages:
        examples.write()
        examples.measure(args.out)
    if "evaluate" in stages:
        figures, sheet = evaluate.evaluate(args.out, args.scenes)
        (run.HERE / "figures.json").write_text(json.dumps(figures, indent=1) + "\n", "utf-8")
        sheet.save(run.HERE / "sheet.png", optimize=True)
        if (log := args.work / "transformer.jsonl").is_file():
            (run.HERE / "curve.svg").write_text(chart.curve(log), "utf-8")
        evaluate.publish(figures, run.HERE / "README.md")


if __name__ == "__main__":
    main()
