"""Files as gguf-py and safetensors write them: golden/write/small.gguf and small.safetensors, whose bytes our writers must give."""

import numpy as np

import common


def tensors():
    """Names with values; exact in every type that is asked for."""
    grid = (np.arange(64, dtype=np.float32) - 20) / 8
    return {
        "block.weight": np.tile(grid, 4).reshape(2, 128),
        "block.bias": grid[:3],
        "conv.weight": grid[:24].reshape(2, 3, 2, 2, 1),
        "half.weight": grid[:10].reshape(2, 5),
        "brain.weight": grid[:6].reshape(3, 2),
    }


TYPES = {"block.weight": "Q8_0", "block.bias": "F32", "conv.weight": "F32", "half.weight": "F16", "brain.weight": "BF16"}


def gguf_file(path):
    import gguf

    writer = gguf.GGUFWriter(path, "qwen_image")
    writer.add_quantization_version(2)
    writer.add_string("text", "naïve \"quoted\"\n€")
    writer.add_float32("number", 0.1)
    writer.add_bool("yes", True)
    writer.add_bool("no", False)
    writer.add_array("words", ["a", "", "ß"])
    writer.add_array("wholes", [16, -24, 0])
    writer.add_array("numbers", [0.5, -0.25])
    for name, value in tensors().items():
        kind = gguf.GGMLQuantizationType[TYPES[name]]
        stored = value if kind == gguf.GGMLQuantizationType.F32 else gguf.quants.quantize(value, kind)
        writer.add_tensor(name, stored, raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def main():
    import torch
    from safetensors.torch import save_file

    folder = common.GOLDEN / "write"
    folder.mkdir(parents=True, exist_ok=True)
    gguf_file(folder / "small.gguf")
    kinds = {"F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16, "Q8_0": torch.float32}
    values = {name: torch.from_numpy(v.copy()).to(kinds[TYPES[name]]) for name, v in tensors().items()}
    save_file(values, folder / "small.safetensors", metadata={"format": "pt"})
    common.wrote(folder / "small.gguf")
    common.wrote(folder / "small.safetensors")


if __name__ == "__main__":
    common.run("write", main)
