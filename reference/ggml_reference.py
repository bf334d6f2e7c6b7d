"""ggml's own quantisers, called through ctypes: the reference of the K types, which gguf-py can read but not write.

The C code is that of the source archive of stable-diffusion-cpp-python (PyPI), compiled here with gcc without options that
would let it reorder or fuse arithmetic. INKSTONE_GGML may name a folder of ggml instead."""

import ctypes
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

import numpy as np

PACKAGE = "stable-diffusion-cpp-python==0.4.7"
FUNCTIONS = {
    "Q2_K": "quantize_row_q2_K_ref",
    "Q3_K": "quantize_row_q3_K_ref",
    "Q4_K": "quantize_row_q4_K_ref",
    "Q5_K": "quantize_row_q5_K_ref",
    "Q6_K": "quantize_row_q6_K_ref",
}
# What ggml-quants.c needs of ggml.c, in functions that aren't called here.
STUBS = """
#include <stdint.h>
#include <stdlib.h>
void ggml_abort(const char *file, int line, const char *format, ...) { abort(); }
size_t ggml_row_size(int type, int64_t n) { abort(); }
size_t ggml_type_size(int type) { abort(); }
const char *ggml_type_name(int type) { abort(); }
"""
_BUILT = []


def _sources(folder):
    given = os.environ.get("INKSTONE_GGML")
    if given:
        return Path(given)
    subprocess.run([sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:", PACKAGE,
                    "-d", str(folder)], check=True)
    with tarfile.open(next(folder.glob("*.tar.gz"))) as archive:
        members = [m for m in archive.getmembers() if "/ggml/src/" in m.name or "/ggml/include/" in m.name]
        archive.extractall(folder, members=members, filter="data")
    return next(folder.glob("**/ggml/src/ggml-quants.c")).parent.parent


def library():
    """The compiled code; built once a process."""
    if not _BUILT:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            ggml = _sources(folder)
            stubs = folder / "stubs.c"
            stubs.write_text(STUBS, "utf-8")
            built = folder / "quants.so"
            subprocess.run(["gcc", "-O2", "-ffp-contract=off", "-shared", "-fPIC", f"-I{ggml / 'include'}",
                            f"-I{ggml / 'src'}", str(ggml / "src" / "ggml-quants.c"), str(stubs), "-o", str(built),
                            "-lm"], check=True)
            _BUILT.append(ctypes.CDLL(str(built)))
    return _BUILT[0]


def quantize(values, name):
    """float32 [..., n·256] as the bytes of a K type, uint8, the last dimension in bytes."""
    import gguf

    values = np.ascontiguousarray(values, np.float32)
    elements, size = gguf.GGML_QUANT_SIZES[gguf.GGMLQuantizationType[name]]
    if values.shape[-1] % elements:
        raise ValueError(f"{name}: rows of {values.shape[-1]} are no whole number of blocks of {elements}")
    stored = np.empty((*values.shape[:-1], values.shape[-1] // elements * size), np.uint8)
    function = getattr(library(), FUNCTIONS[name])
    function.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64]
    function.restype = None
    function(values.ctypes.data, stored.ctypes.data, values.size)
    return stored
