"""Writes the model in the Hugging Face layout: the folder that diffusers loads as QwenImageEditPlusPipeline."""

import json
import shutil
from pathlib import Path

import torch
from diffusers import FlowMatchEulerDiscreteScheduler, QwenImageEditPlusPipeline
from transformers import Qwen2VLImageProcessor, Qwen2VLProcessor, Qwen2VLVideoProcessor

import prompts
import world

AREAS = {"vae_image_area": world.SIZE**2, "condition_image_area": 96 * 96, "default_width": world.SIZE, "default_height": world.SIZE}
LIMIT = 40_000_000  # bytes of the whole folder
KEPT = ("README.md", "processor/chat_template.jinja", "tokenizer/chat_template.jinja")  # of the folder that is replaced


def export(network, vae, folder, out):
    """BF16 weights of a trained network and VAE, the tokenizer in `folder`, to `out`, which is replaced once all is written; its README stays."""
    tokenizer = prompts.tokenizer(folder)
    images = Qwen2VLImageProcessor(min_pixels=56 * 56, max_pixels=12845056, patch_size=14, temporal_patch_size=2, merge_size=2)
    processor = Qwen2VLProcessor(image_processor=images, tokenizer=tokenizer, video_processor=Qwen2VLVideoProcessor(), chat_template=None)
    scheduler = FlowMatchEulerDiscreteScheduler(
        num_train_timesteps=1000,
        shift=1.0,
        use_dynamic_shifting=True,
        base_shift=0.5,
        max_shift=0.9,
        base_image_seq_len=256,
        max_image_seq_len=8192,
        shift_terminal=0.02,
        time_shift_type="exponential",
    )
    pipeline = QwenImageEditPlusPipeline(
        scheduler=scheduler,
        vae=vae.to(torch.bfloat16),
        text_encoder=network.text.to(torch.bfloat16),
        tokenizer=tokenizer,
        processor=processor,
        transformer=network.dit.to(torch.bfloat16),
    )
    part = out.with_name(out.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    pipeline.save_pretrained(part)
    (part / "inkstone.json").write_text(json.dumps(AREAS, indent=1) + "\n", "utf-8")
    for name in ("vocab.json", "merges.txt"):
        shutil.copy(Path(folder) / name, part / "tokenizer" / name)
    for name in KEPT:
        if (out / name).is_file():
            shutil.copy(out / name, part / name)
    for file in part.rglob("*.safetensors"):
        file.chmod(0o644)
    size = sum(f.stat().st_size for f in part.rglob("*") if f.is_file())
    if size > LIMIT:
        raise ValueError(f"the model takes {size} bytes, more than {LIMIT}")
    shutil.rmtree(out, ignore_errors=True)
    part.rename(out)
    return size
