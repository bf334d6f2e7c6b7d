"""Makes all goldens, or the components named on the command line.

    python reference/make_golden.py                # everything, about two minutes
    python reference/make_golden.py noise vae      # some
    python reference/make_golden.py --check        # everything again, and fails when a byte differs from MANIFEST.json
"""

import argparse
import importlib
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import common  # noqa: E402

# In order: later ones read what earlier ones write (pictures, then models, then the rest).
COMPONENTS = ("pictures", "tiny_configs", "noise", "schedule", "sizes", "resize", "preprocess", "text_encoder", "vae",
              "transformer", "pipeline", "kv_cache", "tokenizer", "widen", "gguf_files", "image_metrics", "wan_vae",
              "lora", "quantize", "real_dims", "write", "published_configs")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("components", nargs="*", choices=[*COMPONENTS, []], help="default: all")
    parser.add_argument("--check", action="store_true")
    args = parser.parse_args()
    before = {}
    path = common.GOLDEN / "MANIFEST.json"
    if path.is_file():
        before = {k: v["sha256"] for k, v in json.loads(path.read_text("utf-8"))["files"].items()}
    common.settle()
    common.GOLDEN.mkdir(parents=True, exist_ok=True)
    for name in args.components or COMPONENTS:
        if not (common.ROOT / "reference" / f"{name}.py").is_file():
            print(f"{name}: no reference/{name}.py, skipped")
            continue
        importlib.import_module(name).main()
        common.manifest(name, f"python reference/make_golden.py {name}")
    if args.check:
        after = {k: v["sha256"] for k, v in json.loads(path.read_text("utf-8"))["files"].items()}
        changed = sorted(k for k in before.keys() | after.keys() if before.get(k) != after.get(k))
        if changed:
            sys.exit("these files changed: " + ", ".join(changed))
        print("every file has the same bytes")


if __name__ == "__main__":
    main()
