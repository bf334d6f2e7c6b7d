"""What the reference's quantisers make of some tensors: golden/quantize.json.

Tensors are drawn by a rule that Java follows too, or are weights of the tiny model. For the types that gguf-py writes, the
SHA-256 of its bytes; for the K types, which it doesn't, the error of ggml's C code. Errors are root mean squares over the
tensor, in double precision."""

import hashlib
import json

import numpy as np

import common
import ggml_reference

SEED = 7100
SHAPE = (48, 1024)
SIMPLE = ("Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1")
K = ("Q4_K", "Q5_K", "Q6_K")
WEIGHTS = (
    "transformer_blocks.0.attn.to_q.weight",
    "transformer_blocks.3.img_mlp.net.2.weight",
    "transformer_blocks.5.img_mod.1.weight",
    "transformer_blocks.2.attn.add_k_proj.weight",
    "proj_out.weight",
    "txt_in.weight",
)


def uniform(seed, n):
    """Splitmix64's n numbers in [0, 1), multiples of 2^-24."""
    with np.errstate(over="ignore"):
        z = np.uint64(seed) + np.arange(1, n + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z ^= z >> np.uint64(31)
    return (z >> np.uint64(40)).astype(np.float64) * 2.0**-24


def bell(seed, n):
    """Sums of twelve: nearly normal, exact in double."""
    return uniform(seed, 12 * n).reshape(n, 12).sum(axis=1) - 6


def drawn():
    n = SHAPE[0] * SHAPE[1]
    at = np.arange(n)
    base = [bell(SEED + i, n) for i in range(6)]
    values = {
        "bell": base[0] * 0.02,
        "peaked": base[1] * np.abs(base[1]) * 0.01,
        "shifted": base[2] * 0.02 + 0.05,
        "outliers": base[3] * np.where(at % 61 == 0, 16.0, 1.0) * 0.02,
        "sparse": np.where(uniform(SEED + 100, n) < 0.5, 0.0, base[4] * 0.02),
        "steps": base[5] * 2.0 ** (at // 16 % 9 - 9.0),
    }
    return {name: value.astype(np.float32).reshape(SHAPE) for name, value in values.items()}


def weights():
    from safetensors import safe_open

    with safe_open(str(common.TINY / "transformer" / "diffusion_pytorch_model.safetensors"), "pt") as file:
        return {name: file.get_tensor(name).float().numpy() for name in WEIGHTS}


def edge_blocks():
    """Blocks of 32 where rounding, ties, signs and tiny numbers matter."""
    ramp = np.arange(32) - 16.0
    blocks = [
        np.zeros(32),
        np.full(32, -0.0),
        np.full(32, 0.5),
        np.full(32, -3.25),
        ramp,
        -ramp,
        ramp / 127 * 4 + 0.5 / 127,
        np.where(np.arange(32) % 2 == 0, 1.0, -1.0),
        ramp * 1e-5,
        ramp * 3e-8,
        ramp * 1e-30,
        ramp * 4000,
        (np.arange(32) + 0.5) / 127 * 64,
        np.where(np.arange(32) == 31, 100.0, 0.49999997),
    ]
    return np.stack(blocks).astype(np.float32)


def rmse(values, read):
    return float(np.sqrt(np.mean((values.astype(np.float64) - read.astype(np.float64)) ** 2)))


def main():
    import gguf

    def read(stored, name):
        return gguf.quants.dequantize(stored, gguf.GGMLQuantizationType[name])

    tensors = []
    for name, values in {**drawn(), **weights()}.items():
        entry = {"name": name, "source": "model" if "." in name else "drawn", "sha256": {}, "rmse": {}}
        for kind in (*SIMPLE, "F16", "BF16"):
            stored = gguf.quants.quantize(values, gguf.GGMLQuantizationType[kind])
            entry["sha256"][kind] = hashlib.sha256(stored.tobytes()).hexdigest()
            if kind in SIMPLE:
                entry["rmse"][kind] = rmse(values, read(stored, kind))
        if values.shape[-1] % 256 == 0:
            for kind in K:
                entry["rmse"][kind] = rmse(values, read(ggml_reference.quantize(values, kind), kind))
        tensors.append(entry)
    blocks = edge_blocks()
    edges = {
        "blocks": blocks.astype("<f4").tobytes().hex(),
        "bytes": {
            kind: gguf.quants.quantize(blocks, gguf.GGMLQuantizationType[kind]).tobytes().hex() for kind in SIMPLE
        },
    }
    path = common.GOLDEN / "quantize.json"
    report = {"seed": SEED, "shape": list(SHAPE), "k_quantiser": f"ggml of {ggml_reference.PACKAGE}", "tensors": tensors,
              "edges": edges}
    path.write_text(json.dumps(report, indent=1) + "\n", "utf-8")
    common.wrote(path, range(SEED, SEED + 6))


if __name__ == "__main__":
    common.run("quantize", main)
