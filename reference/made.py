"""Random tensors with the same bits in Python and in Java: a counter, whole-number arithmetic, two float32 operations.

Element i of a tensor, in row-major order (model/src/test/java/inkstone/model/real/MadeTensors.java does the same):

    key = fnv1a64(name) ^ seed
    h   = splitmix64's output function of key + (i + 1) * 0x9E3779B97F4A7C15, modulo 2^64
    n   = the four 16-bit parts of h, added, minus 131070      (bell-shaped, |n| <= 131070, deviation 37837.2)
    v   = float32(float32(n * spread) + mean)
    v   = v * row factor * column factor                        (powers of two: exact)
    v   rounded to nearest even in the stored type

A checksum, sum of (bits of element i) * (2i + 1) modulo 2^64, says that both sides have the same bits.
"""

import numpy as np
import torch

DEVIATION = 37837.2
GAMMA = np.uint64(0x9E3779B97F4A7C15)
CHUNK = 1 << 20
TYPES = {"F32": torch.float32, "BF16": torch.bfloat16, "F8_E4M3": torch.float8_e4m3fn}
BITS = {"F32": np.uint32, "BF16": np.uint16, "F8_E4M3": np.uint8}


def spec(name, shape, dtype, deviation, mean=0.0, rows=None, columns=None, seed=0):
    """What one tensor is made of. rows, columns: {index in the first, last axis: power of two}."""
    return {
        "name": name, "shape": list(shape), "dtype": dtype, "seed": seed, "spread": float(np.float32(deviation / DEVIATION)),
        **({"mean": float(np.float32(mean))} if mean else {}),
        **({"rows": {str(k): v for k, v in rows.items()}} if rows else {}),
        **({"columns": {str(k): v for k, v in columns.items()}} if columns else {}),
    }


def _fnv1a(name):
    h = 0xCBF29CE484222325
    for byte in name.encode():
        h = (h ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return h


def _counted(key, start, count):
    z = np.uint64(key) + (np.arange(start + 1, start + count + 1, dtype=np.uint64) * GAMMA)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z ^= z >> np.uint64(31)
    part = np.uint64(0xFFFF)
    total = (z & part) + (z >> np.uint64(16) & part) + (z >> np.uint64(32) & part) + (z >> np.uint64(48))
    return total.astype(np.int64) - 131070


def make(spec):
    """(the tensor in its stored type, its checksum)"""
    shape = spec["shape"]
    size = int(np.prod(shape))
    key = _fnv1a(spec["name"]) ^ spec["seed"]
    spread, mean = np.float32(spec["spread"]), np.float32(spec.get("mean", 0.0))
    out = torch.empty(size, dtype=TYPES[spec["dtype"]])
    checksum = 0
    width = shape[-1]
    row = size // shape[0]
    factors = None
    if "columns" in spec:
        factors = np.ones(width, np.float32)
        for index, factor in spec["columns"].items():
            factors[int(index)] = factor
    with np.errstate(over="ignore"):
        for start in range(0, size, CHUNK):
            count = min(CHUNK, size - start)
            value = _counted(key, start, count).astype(np.float32) * spread + mean
            if factors is not None:
                value *= factors[np.arange(start, start + count) % width]
            for index, factor in spec.get("rows", {}).items():
                begin = max(int(index) * row, start)
                end = min((int(index) + 1) * row, start + count)
                if begin < end:
                    value[begin - start : end - start] *= np.float32(factor)
            stored = torch.from_numpy(value).to(out.dtype)
            out[start : start + count] = stored
            bits = stored.view(torch.uint8).numpy().view(BITS[spec["dtype"]]).astype(np.uint64)
            odd = np.arange(start, start + count, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
            checksum = (checksum + int((bits * odd).sum(dtype=np.uint64))) & 0xFFFFFFFFFFFFFFFF
    return out.view(shape), checksum


def make_all(specs):
    """{name: tensor}, and the checksum written into each spec as 16 hex digits."""
    tensors = {}
    for one in specs:
        tensors[one["name"]], checksum = make(one)
        one["checksum"] = f"{checksum:016x}"
    return tensors
