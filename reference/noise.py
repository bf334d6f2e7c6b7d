"""golden/noise.safetensors: what torch.randn draws on CPU in float32."""

import torch

import common

SIZES = (1, 7, 15, 16, 17, 31, 64, 100, 1000, 4096)
SEEDS = (0, 7, 42, 123456789)
# torch seeds its mt19937 from the low 32 bits; manual_seed takes -2^63 .. 2^64-1.
BIG_SEEDS = (2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**32 + 7, 2**53 + 1, 2**62 + 12345, 2**63 - 1, 2**63, 2**64 - 1)
NEGATIVE = (-1, -(2**63))
# Sizes under 16 leave a half of a Box-Muller pair in the generator; larger draws pass over it.
DRAWS = {
    "small": (1, 1, 7, 3, 2, 15, 15, 1),
    "mixed": (1, 16, 1, 7, 17, 7, 100, 3, 31, 5, 1000, 1, 1),
    "large": (16, 17, 64, 100, 18, 4096, 33),
    "latents": (1024, 1024, 1024),
}


def main():
    tensors, seeds = {}, []
    for seed in SEEDS:
        seeds.append(seed)
        for n in SIZES:
            tensors[f"seed.{seed}.n.{n}"] = torch.randn(n, generator=common.seeded(seed))
    for seed in BIG_SEEDS + NEGATIVE:
        for n in (7, 40):
            tensors[f"seed.{seed}.n.{n}"] = torch.randn(n, generator=common.seeded(seed))
    for name, lengths in DRAWS.items():
        for seed in (3, 2024):
            generator = common.seeded(seed)
            for i, n in enumerate(lengths):
                tensors[f"draws.{name}.seed.{seed}.{i:02d}.n.{n}"] = torch.randn(n, generator=generator)
    # The pipeline's call: randn_tensor((1, 1, 16, h, w)), then packed to [h/2*w/2, 64].
    from diffusers import QwenImagePipeline
    from diffusers.utils.torch_utils import randn_tensor

    for h, w in ((16, 16), (12, 20), (2, 2)):
        flat = randn_tensor((1, 1, 16, h, w), generator=common.seeded(11), dtype=torch.float32)
        tensors[f"latents.seed.11.{h}x{w}"] = flat[0, 0]
        tensors[f"packed.seed.11.{h}x{w}"] = QwenImagePipeline._pack_latents(flat, 1, 16, h, w)[0]
    request = {"seeds": [str(s) for s in (*SEEDS, *BIG_SEEDS, *NEGATIVE)], "draws": {k: list(v) for k, v in DRAWS.items()}}
    common.golden("noise", "noise", request, tensors, (*SEEDS, 3, 2024, 11))


if __name__ == "__main__":
    common.run("noise", main)
