"""Stored numbers and the float32 that they stand for: 8-bit floats by torch, GGUF's types by gguf-py.

golden/widen/<type>.bin: the stored bytes, then the float32 (little-endian).
golden/widen/<type>_scaled.bin: all codes of an 8-bit float; then, once for each scale, the scale and what the codes times it are, float32 each.
Bits are compared, NaN as NaN."""

import numpy as np
import torch

import common

SEED = 900
# Offsets of the float16 scales in a block. New types go to the end: the draws of the others stay.
SCALES = {
    "Q8_0": (0,), "Q4_0": (0,), "Q5_0": (0,), "Q4_K": (0, 2), "Q5_K": (0, 2), "Q6_K": (208,),
    "Q4_1": (0, 2), "Q5_1": (0, 2), "Q2_K": (80, 82), "Q3_K": (108,), "IQ4_NL": (0,), "IQ4_XS": (0,),
}
# Those that gguf-py also quantises.
QUANTISERS = ("Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1")
# Sane, negative, zero of both signs, subnormal, smallest, largest.
SPECIAL = (0.02, -0.02, 0.0, -0.0, 3e-6, -3e-6, 6e-8, 65504.0)
# Of a tensor of 8-bit floats: as files have them, none, negative, zero, subnormal results, a subnormal one, and one that overflows.
FACTORS = (0.0031745, 1.0, -0.37, 0.0, 7.3e-38, 2e-41, 3e38)


def write(name, stored, values, seeds=()):
    path = common.GOLDEN / "widen" / f"{name}.bin"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(stored.tobytes() + values.astype("<f4").tobytes())
    common.wrote(path, seeds)


def floats8(name, dtype, random):
    """All codes, and then a mix of them."""
    codes = np.concatenate([np.arange(256), random.integers(0, 256, 1000)]).astype(np.uint8)
    write(name, codes, torch.from_numpy(codes).view(dtype).to(torch.float32).numpy(), (SEED,))


def floats8_scaled(name, dtype):
    """All codes, dequantised as a scaled checkpoint is: widened, then times the tensor's scale."""
    codes = np.arange(256).astype(np.uint8)
    wide = torch.from_numpy(codes).view(dtype).to(torch.float32)
    values = [torch.cat([scale.reshape(1), wide * scale]) for scale in torch.tensor(FACTORS, dtype=torch.float32)]
    write(f"{name}_scaled", codes, torch.cat(values).numpy())


def floats(name, size, random):
    """Bit patterns: each upper byte with the lowest, the middle and the highest below it, then random ones."""
    import gguf

    kind = gguf.GGMLQuantizationType[name]
    upper = np.arange(256).repeat(3)
    lower = np.tile([0, 0x80, 0xff], 256).astype(np.uint8)
    chosen = np.stack([lower] * (size - 1) + [upper.astype(np.uint8)], axis=1)
    stored = np.concatenate([chosen, random.integers(0, 256, (1000, size), dtype=np.uint8)])
    with np.errstate(invalid="ignore"):
        write(name, stored, gguf.quants.dequantize(stored, kind), (SEED,))


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
    if name in QUANTISERS:
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
    for name, size in (("F32", 4), ("F16", 2), ("BF16", 2)):
        floats(name, size, random)
    floats8_scaled("F8_E4M3", torch.float8_e4m3fn)
    floats8_scaled("F8_E5M2", torch.float8_e5m2)


if __name__ == "__main__":
    common.run("widen", main)
