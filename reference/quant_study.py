"""How far a picture moves when the weights get fewer bits: the table of docs/checkpoints-quantised.md.

    bench/quant-study                  # everything; a few minutes
    bench/quant-study --only q4_k,q2_k # some rows

Inkstone edits the example pictures with the tiny model, in float32 and with each type, from the same noise; differences are
of 8-bit colour values over all pictures. Files come from `inkstone convert`, and beside them from the reference's quantisers
(gguf-py, ggml's C code for the K types) with the same type for every tensor."""

import argparse
import json
import os
import subprocess
import tempfile
from pathlib import Path

import numpy as np

import common
import ggml_reference

STEPS = 8
SEED = 7
CONVERTED = ("f16", "q8_0", "q6_k", "q5_k", "q4_k", "q4_0")
WHOLE = ("f16", "q8_0", "q4_k", "q4_0")
REFERENCE_ONLY = ("Q3_K", "Q2_K")
TRANSFORMER = common.TINY / "transformer"


def edits():
    """The examples that have a picture."""
    return [e for e in json.loads((common.EXAMPLES / "prompts.json").read_text("utf-8")) if e["picture"]]


def inkstone(*words):
    subprocess.run([str(common.ROOT / "inkstone"), *map(str, words)], check=True, stdout=subprocess.DEVNULL)


def classpath():
    return f"{common.ROOT}/bench/target/classes:" + (common.ROOT / "bench/target/classpath").read_text().strip()


def run(folder, models):
    """Every edit with every set of weights, in one JVM; a list of colour values for each set, in order."""
    from PIL import Image

    lines = []
    for i, edit in enumerate(edits()):
        sizes = []
        for j, name in enumerate(edit["picture"]):
            picture = Image.open(common.EXAMPLES / name).convert("RGB")
            (folder / f"{i}.{j}.rgb").write_bytes(picture.tobytes())
            sizes += map(str, picture.size)
        lines.append("\t".join([edit["prompt"], *sizes]))
    (folder / "cases.tsv").write_text("\n".join(lines) + "\n", "utf-8")
    rows = ["\t".join([str(i), *(str(path or "") for path in paths)]) for i, paths in enumerate(models)]
    (folder / "models.tsv").write_text("\n".join(rows) + "\n", "utf-8")
    java = Path(os.environ["JAVA_HOME"]) / "bin" / "java" if "JAVA_HOME" in os.environ else "java"
    subprocess.run([str(java), "--add-modules=jdk.incubator.vector", "-cp", classpath(), "inkstone.bench.QuantStudy",
                    str(folder), str(STEPS), str(SEED)], check=True, stderr=subprocess.DEVNULL)
    return [
        np.concatenate([np.fromfile(folder / f"{i}.{n}.out", np.uint8) for n in range(len(lines))])
        for i in range(len(models))
    ]


def source():
    from safetensors import safe_open

    with safe_open(str(TRANSFORMER / "diffusion_pytorch_model.safetensors"), "pt") as file:
        return {name: file.get_tensor(name) for name in file.keys()}


def quantised(values, kind):
    """Bytes by gguf-py where it can, else by ggml."""
    import gguf

    if kind in ggml_reference.FUNCTIONS:
        return ggml_reference.quantize(values, kind)
    return gguf.quants.quantize(values, gguf.GGMLQuantizationType[kind])


def reference_gguf(like, path, instead=None):
    """A file with the types of another, quantised by the reference; `instead` replaces a type by a second one."""
    import gguf

    tensors = source()
    read = gguf.GGUFReader(like)
    writer = gguf.GGUFWriter(path, "qwen_image")
    config = read.get_field("inkstone.config")
    writer.add_string("inkstone.config", bytes(config.parts[config.data[0]]).decode())
    for tensor in read.tensors:
        kind = tensor.tensor_type.name
        if instead is not None and kind == instead[0]:
            kind = instead[1]
        if tensor.name not in tensors:
            writer.add_tensor(tensor.name, np.zeros(1, np.float32))
            continue
        values = tensors[tensor.name].float().numpy()
        if kind == "F32":
            writer.add_tensor(tensor.name, values)
        else:
            writer.add_tensor(tensor.name, quantised(values, kind), raw_dtype=gguf.GGMLQuantizationType[kind])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def float8(path):
    """As ComfyUI's plain FP8 files: every matrix cast, all else as it is."""
    import torch
    from safetensors.torch import save_file

    cast = {n: v.to(torch.float8_e4m3fn) if v.ndim == 2 else v for n, v in source().items()}
    save_file(cast, path, metadata={"config": (TRANSFORMER / "config.json").read_text("utf-8")})


def measure(base, other):
    difference = np.abs(base.astype(np.float64) - other)
    mse = np.mean(difference**2)
    psnr = "∞" if mse == 0 else f"{10 * np.log10(255**2 / mse):.1f}"
    return f"{difference.mean():.3f} | {difference.max():.0f} | {psnr}"


def transformers(folder, wanted):
    """(type, quantiser, path) of transformer files."""
    def convert(kind):
        path = folder / f"{kind}.gguf"
        inkstone("convert", "-q", TRANSFORMER, path, "--type", kind)
        return path

    if wanted("bf16"):
        yield "BF16", "convert", convert("bf16")
    if wanted("f8_e4m3"):
        path = folder / "f8.safetensors"
        float8(path)
        yield "FP8 (E4M3)", "torch", path
    for kind in CONVERTED:
        instead = [k for k in REFERENCE_ONLY if kind == "q4_k" and wanted(k)]
        if not wanted(kind) and not instead:
            continue
        own = convert(kind)
        if wanted(kind):
            yield kind.upper(), "convert", own
        if wanted(kind) and kind.startswith("q"):
            path = folder / f"reference-{kind}.gguf"
            reference_gguf(own, path)
            yield kind.upper(), "ggml" if kind.upper() in ggml_reference.FUNCTIONS else "gguf-py", path
        for other in instead:
            path = folder / f"reference-{other}.gguf"
            reference_gguf(own, path, ("Q4_K", other))
            yield other, "ggml", path


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="types, lower case, with commas between")
    only = {word for word in parser.parse_args().only.split(",") if word}

    def wanted(name):
        return not only or name.lower() in only

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        f32 = folder / "f32.gguf"
        inkstone("convert", "-q", TRANSFORMER, f32, "--type", "f32")
        titles, models = [], [(common.TINY, f32, None, None, None)]
        for kind, quantiser, path in transformers(folder, wanted):
            titles.append((kind, quantiser, "transformer", path.stat().st_size))
            models.append((common.TINY, path, None, None, None))
        for kind in WHOLE:
            if wanted(kind):
                out = folder / f"all-{kind}"
                inkstone("convert", "-q", common.TINY, out, "--type", kind, "--format", "gguf")
                titles.append((kind.upper(), "convert", "all", sum(file.stat().st_size for file in out.glob("*.gguf"))))
                parts = ("transformer", "text_encoder", "mmproj", "vae")
                models.append((None, *(out / f"{part}.gguf" for part in parts)))
        base, *others = run(folder, models)
    print("| type | quantiser | of | MB | mean | max | PSNR, dB |\n|---|---|---|---|---|---|---|")
    for (kind, quantiser, of, size), other in zip(titles, others):
        print(f"| {kind} | {quantiser} | {of} | {size / 1e6:.1f} | {measure(base, other)} |")


if __name__ == "__main__":
    main()
