"""What every golden script shares: folders, one thread, a writer with fixed bytes, the manifest."""

import hashlib
import json
import os
import platform
import warnings
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
warnings.filterwarnings("ignore")

import numpy as np  # noqa: E402
import torch  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent
GOLDEN = ROOT / "reference" / "golden"
TINY = ROOT / "models" / "tiny-qwen-image-edit"
EXAMPLES = ROOT / "examples"
PICTURES = GOLDEN / "pictures"
MODELS = GOLDEN / "models"

_NAMES = {
    torch.float32: "F32",
    torch.float64: "F64",
    torch.bfloat16: "BF16",
    torch.float16: "F16",
    torch.int64: "I64",
    torch.int32: "I32",
    torch.uint8: "U8",
    torch.int8: "I8",
    torch.bool: "BOOL",
}
_WRITTEN = []


def settle():
    """What the goldens rest on: one thread and no gradients; and no chatter."""
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    quiet()


def quiet():
    import diffusers
    import transformers

    diffusers.utils.logging.set_verbosity_error()
    diffusers.utils.logging.disable_progress_bar()
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()


def _tensor(value):
    if isinstance(value, np.ndarray):
        value = torch.from_numpy(np.ascontiguousarray(value))
    elif not isinstance(value, torch.Tensor):
        value = torch.tensor(value)
    return value.detach().cpu().contiguous()


def _bytes(value):
    return value.reshape(-1).view(torch.uint8).numpy().tobytes()


def write_safetensors(path, tensors, metadata=None):
    """Writes one file. Metadata and keys are sorted (wider dtypes first, so that every tensor is aligned): same tensors, same bytes."""
    header, blobs, offset = {}, [], 0
    if metadata:
        header["__metadata__"] = {k: metadata[k] for k in sorted(metadata)}
    values = {key: _tensor(value) for key, value in tensors.items()}
    for key in sorted(values, key=lambda k: (-values[k].element_size(), k)):
        value = values[key]
        blob = _bytes(value)
        header[key] = {
            "dtype": _NAMES[value.dtype],
            "shape": list(value.shape),
            "data_offsets": [offset, offset + len(blob)],
        }
        blobs.append(blob)
        offset += len(blob)
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(len(text).to_bytes(8, "little") + text + b"".join(blobs))


def golden(name, case, request, tensors, seeds=()):
    """Writes golden/<name>.safetensors with its case and request, and notes it for the manifest."""
    path = GOLDEN / f"{name}.safetensors"
    for key, value in tensors.items():
        value = _tensor(value)
        if value.is_floating_point() and not torch.isfinite(value).all():
            raise ValueError(f"{name}: {key} is not finite")
    write_safetensors(path, tensors, {"case": case, "request": json.dumps(request, ensure_ascii=False)})
    wrote(path, seeds)


def wrote(path, seeds=()):
    _WRITTEN.append((path.relative_to(GOLDEN).as_posix(), [int(s) for s in seeds]))


def wrote_folder(folder, seeds=()):
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        wrote(path, seeds)


def versions():
    from importlib.metadata import version

    import diffusers
    import PIL
    import safetensors
    import tokenizers
    import torchvision
    import transformers

    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "torchvision": torchvision.__version__,
        "diffusers": diffusers.__version__,
        "transformers": transformers.__version__,
        "tokenizers": tokenizers.__version__,
        "safetensors": safetensors.__version__,
        "numpy": np.__version__,
        "pillow": PIL.__version__,
        "gguf": version("gguf"),
        "peft": version("peft"),
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "threads": torch.get_num_threads(),
    }


def manifest(component, command):
    """Replaces the entries of one component in MANIFEST.json by the files written since the last call."""
    path = GOLDEN / "MANIFEST.json"
    old = json.loads(path.read_text("utf-8")) if path.is_file() else {"environments": {}, "files": {}}
    files = {k: v for k, v in old["files"].items() if v["component"] != component and (GOLDEN / k).is_file()}
    made_with = versions()
    digest = hashlib.sha256(json.dumps(made_with, sort_keys=True).encode()).hexdigest()[:8]
    environments = {**old["environments"], digest: made_with}
    for name, seeds in _WRITTEN:
        data = (GOLDEN / name).read_bytes()
        files[name] = {
            "component": component,
            "command": command,
            "bytes": len(data),
            "sha256": hashlib.sha256(data).hexdigest(),
            "seeds": seeds,
            "environment": digest,
        }
    _WRITTEN.clear()
    total = sum(entry["bytes"] for entry in files.values())
    used = {v["environment"] for v in files.values()}
    everything = {
        "total_bytes": total,
        "environments": {k: v for k, v in sorted(environments.items()) if k in used},
        "files": dict(sorted(files.items())),
    }
    text = json.dumps(everything, indent=1, ensure_ascii=False)
    path.write_text(text + "\n", "utf-8")
    print(f"{component}: {sum(1 for v in files.values() if v['component'] == component)} files, "
          f"{sum(v['bytes'] for v in files.values() if v['component'] == component):,} bytes; all {total:,} bytes")


def run(component, main):
    """The body of every script's __main__."""
    settle()
    main()
    manifest(component, f"python reference/make_golden.py {component}")


def seeded(seed):
    return torch.Generator("cpu").manual_seed(seed)


def rgb(path):
    from PIL import Image

    with Image.open(path) as image:
        return image.convert("RGB")


def pixels(image):
    """A PIL picture as uint8 [H, W, 3]."""
    return torch.from_numpy(np.asarray(image.convert("RGB")).copy())


def areas(model):
    """(vae_image_area, condition_image_area) of a model folder."""
    path = Path(model) / "inkstone.json"
    keys = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    return keys.get("vae_image_area", 1024 * 1024), keys.get("condition_image_area", 384 * 384)
