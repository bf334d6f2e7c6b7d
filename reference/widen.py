"""Stored numbers and the float32 that they stand for: 8-bit floats by torch, GGUF's blocks by gguf-py.

golden/widen/<type>.bin: the stored bytes, then the float32 (little-endian). Bits are compared, NaN as NaN."""

import numpy as np
import torch

import common

SEED = 900
# Offsets of the float16 scales in a block.
SCALES = {"Q8_0": (0,), "Q4_0": (0,), "Q5_0": (0,), "Q4_K": (0, 2), "Q5_K": (0, 2), "Q6_K": (208,)}
# Sane, negative, zero of both signs, subnormal, smallest, largest.
SPECIAL = (0.02, -0.02, 0.0, -0.0, 3e-6, -3e-6, 6e-8, 65504.0)


def write(name, stored, values, seeds=()):
    path = common.GOLDEN / "widen" / f"{name}.bin"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(stored.tobytes() + values.astype("<f4").tobytes())
    common.wrote(path, seeds)


def floats8(name, dtype, random):
    """All codes, and then a mix of them."""
    codes = np.concatenate([np.arange(256), random.integers(0, 256, 1000)]).astype(np.uint8)
    write(name, codes, torch.from_numpy(codes).view(dtype).to(torch.float32).numpy(), (SEED,))


def blocks(name, random):
    import gguf

    kind = gguf.GGMLQuantizationType[name]
    elements, size = gguf.GGML_QUANT_SIZES[kind]
    count = 16 if elements == 256 else 48
    drawn = random.integers(0, 256, (count + 2 * len(SPECIAL), size), dtype=np.uint8)
    for at in SCALES[name]:
        drawn[:count, at:at + 2] = random.normal(0, 0.02, (count, 1)).astype(np.float16).view(np.uint8)
        special = np.array(SPECIAL, np.float16)
        if at > 0:
            special = np.roll(special, 3)
        drawn[count:, at:at + 2] = np.tile(special, 2).reshape(-1, 1).view(np.uint8)
    stored = [drawn]
    if elements == 32:
        # gguf-py quantises these and has no quantiser of the others.
        weights = random.normal(0, 0.02, (48, elements)).astype(np.float32)
        weights[0] = 0
        weights[1] *= 1e-5
        weights[2] *= 1e5
        stored.append(gguf.quants.quantize(weights, kind))
    stored = np.concatenate(stored)
    values = gguf.quants.dequantize(stored, kind)
    if not np.isfinite(values).all():
        raise ValueError(f"widen/{name}: not finite")
    write(name, stored, values, (SEED,))


def main():
    random = np.random.default_rng(SEED)
    floats8("F8_E4M3", torch.float8_e4m3fn, random)
    floats8("F8_E5M2", torch.float8_e5m2, random)
    for name in SCALES:
        blocks(name, random)


if __name__ == "__main__":
    common.run("widen", main)
