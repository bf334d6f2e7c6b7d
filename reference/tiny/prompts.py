"""Prompts as the pipelines pose them, and pictures as the vision tower sees them."""

import functools

import numpy as np
import torch
from diffusers import QwenImageEditPlusPipeline, QwenImagePipeline
from PIL import Image
from transformers import AutoTokenizer

import world

KINDS = ("generate", "edit")  # pipelines: without references, with some
DROP = {"edit": 64, "generate": 34}  # tokens of each template before the user's words
PADS = 9  # vision tokens of a picture: 84×84 pixels, 14 to a patch, 2×2 merged
MEAN = np.array([0.48145466, 0.4578275, 0.40821073], np.float32)
STD = np.array([0.26862954, 0.26130258, 0.27577711], np.float32)


def drop(references):
    """How many tokens come before the user's words, by the number of references."""
    return DROP[KINDS[references > 0]]


@functools.cache
def template(kind):
    """The pipeline's own prompt template; it is made in its constructor, which needs no parts for that."""
    pipeline, parts = {"edit": (QwenImageEditPlusPipeline, 6), "generate": (QwenImagePipeline, 5)}[kind]
    return pipeline(*[None] * parts).prompt_template_encode


@functools.cache
def tokenizer(folder):
    return AutoTokenizer.from_pretrained(folder)


@functools.cache
def _around(folder, references):
    """Token ids before and after the user's words."""
    seen = "".join(f"Picture {i + 1}: <|vision_start|>{'<|image_pad|>' * PADS}<|vision_end|>" for i in range(references))
    parts = template(KINDS[references > 0]).replace("{}", seen + "{}").split("{}")
    return tuple(tokenizer(folder)(part)["input_ids"] for part in parts)


def tokens(folder, prompt, references):
    """Token ids of a prompt with that many reference pictures."""
    before, after = _around(folder, references)
    return [*before, *tokenizer(folder)(prompt)["input_ids"], *after]


def bare(folder, references):
    """How many tokens an empty prompt has."""
    return len(tokens(folder, " ", references))


@functools.cache
def _resize():
    """The condition picture's two resizings (Lanczos to 96, bicubic to 84) as one matrix [84, 128]; rounding to bytes left out."""
    impulse = Image.fromarray(np.eye(world.SIZE, dtype=np.float32), "F")
    rows = impulse.resize((world.SIZE, 96), Image.LANCZOS).resize((world.SIZE, 84), Image.BICUBIC)
    return torch.from_numpy(np.asarray(rows).copy())


def patches(pictures):
    """uint8 [n, 128, 128, 3] to vision patches [n, 36, 588]: one frame, 14×14 pixels, in 2×2 blocks."""
    x = (torch.from_numpy(pictures).float() / 255 - torch.from_numpy(MEAN)) / torch.from_numpy(STD)
    m = _resize()
    x = torch.einsum("nhwc,yh,xw->ncyx", x, m, m)
    n = len(x)
    return x.reshape(n, 3, 3, 2, 14, 3, 2, 14).permute(0, 2, 5, 3, 6, 1, 4, 7).reshape(n, 36, 588)
