"""The other engines of bench/compare, in one process that stays: PyTorch, NumPy, diffusers, transformers, all over random weights.

    python reference/peer.py --threads 2

Each line on standard input is a JSON request as `./inkstone bench --serve-lines` takes it, with an `engine` beside: torch (float32),
torch-bf16, or numpy. Each gets a line back: {"seconds": [...]}, or {"error": "..."}. {"work": "clear"} frees all, {"work": "machine"} tells
versions. What was asked for stays set up; it is run twice before it is timed.
"""

import argparse
import json
import os
import sys
import time
import warnings

WARM_RUNS = 2


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    return parser.parse_args()


def gemm(engine, m=2304, n=3072, k=3072):
    if engine == "numpy":
        import numpy as np

        rng = np.random.default_rng(1)
        x, w = rng.standard_normal((m, k), np.float32), rng.standard_normal((n, k), np.float32)
        out = np.empty((m, n), np.float32)
        transposed = w.T
        return lambda: np.matmul(x, transposed, out=out)
    x, w, b = torch_rand(engine, m, k), torch_rand(engine, n, k), torch_rand(engine, n)
    return lambda: torch.nn.functional.linear(x, w, b)


def gemv(engine, n=18432, k=3072):
    return gemm(engine, 1, n, k)


def attention(engine, tokens=2304, heads=24, head_dim=128):
    q, k, v = (torch_rand(engine, 1, heads, tokens, head_dim) for _ in range(3))
    return lambda: torch.nn.functional.scaled_dot_product_attention(q, k, v)


def block(engine, tokens=2048, text=256, layers=1, heads=24, head_dim=128, text_dim=3584):
    from diffusers.models.transformers import transformer_qwenimage as dit

    if layers != 1:
        raise ValueError(f"block: layers, expected 1 (a second costs as much), got {layers}")
    dim, dtype = heads * head_dim, torch_dtype(engine)
    with torch.device("meta"):
        made = dit.QwenImageTransformerBlock(dim=dim, num_attention_heads=heads, attention_head_dim=head_dim)
    made = made.to_empty(device="cpu").to(dtype).eval()
    for parameter in made.parameters():
        parameter.uniform_(-0.03, 0.03)
    height = next(h for h in range(int(tokens**0.5), 0, -1) if tokens % h == 0)
    side = head_dim * 7 // 16 // 2 * 2
    rope = dit.QwenEmbedRope(theta=10000, axes_dim=[head_dim - 2 * side, side, side], scale_rope=True)
    turned = rope([(1, height, tokens // height)], max_txt_seq_len=text)
    image, words, temb = torch_rand(engine, 1, tokens, dim), torch_rand(engine, 1, text, dim), torch_rand(engine, 1, dim)
    return lambda: made(hidden_states=image, encoder_hidden_states=words, encoder_hidden_states_mask=None, temb=temb,
                        image_rotary_emb=turned)


def vae(base_dim):
    from diffusers import AutoencoderKLQwenImage

    return AutoencoderKLQwenImage(base_dim=base_dim).eval()


def vae_decode(engine, size=512, base_dim=96):
    made = vae(base_dim).to(torch_dtype(engine))
    latents = torch_rand(engine, 1, 16, 1, size // 8, size // 8)
    return lambda: made.decode(latents, return_dict=False)[0]


def vae_encode(engine, size=1024, base_dim=96):
    made = vae(base_dim).to(torch_dtype(engine))
    pixels = torch_rand(engine, 1, 3, 1, size, size)
    return lambda: made.encode(pixels).latent_dist.mode()


def text_decoder(engine, tokens=250, layers=1, hidden=3584, heads=28, kv_heads=4, intermediate=18944):
    from transformers.models.qwen2_5_vl import configuration_qwen2_5_vl as config
    from transformers.models.qwen2_5_vl import modeling_qwen2_5_vl as model

    half = hidden // heads // 2
    side = half * 3 // 8
    made = model.Qwen2_5_VLTextModel(config.Qwen2_5_VLTextConfig(
        vocab_size=1024, hidden_size=hidden, intermediate_size=intermediate, num_hidden_layers=layers,
        num_attention_heads=heads, num_key_value_heads=kv_heads, bos_token_id=None, eos_token_id=None, pad_token_id=None,
        rope_parameters={"rope_type": "default", "rope_theta": 1e6, "mrope_section": [half - 2 * side, side, side]}))
    made = made.to(torch_dtype(engine)).eval()
    ids = (torch.arange(tokens) * 7 % 1024)[None]
    return lambda: made(input_ids=ids, use_cache=False).last_hidden_state


def text_vision(engine, side=28, layers=1, hidden=1280, heads=16, intermediate=3420, out=3584):
    from transformers.models.qwen2_5_vl import configuration_qwen2_5_vl as config
    from transformers.models.qwen2_5_vl import modeling_qwen2_5_vl as model

    made = model.Qwen2_5_VisionTransformerPretrainedModel(config.Qwen2_5_VLVisionConfig(
        depth=layers, hidden_size=hidden, intermediate_size=intermediate, num_heads=heads, out_hidden_size=out,
        fullatt_block_indexes=[7, 15, 23, 31]))
    made = made.to(torch_dtype(engine)).eval()
    pixels = torch_rand(engine, side * side, 1176)
    grid = torch.tensor([[1, side, side]])
    return lambda: made(pixels, grid_thw=grid).pooler_output


WORKS = {"gemm": gemm, "gemv": gemv, "attention": attention, "block": block, "vae-decode": vae_decode,
         "vae-encode": vae_encode, "text-decoder": text_decoder, "text-vision": text_vision}


def torch_dtype(engine):
    return torch.bfloat16 if engine == "torch-bf16" else torch.float32


def torch_rand(engine, *shape):
    return (torch.rand(*shape) * 2 - 1).to(torch_dtype(engine))


def require_finite(value):
    for part in value if isinstance(value, tuple) else (value,):
        finite = torch.isfinite(torch.as_tensor(part)).all().item()
        if not finite:
            raise ValueError("the result is not finite")


class Session:
    def __init__(self):
        self.ready = {}

    def answer(self, request):
        work = request.pop("work")
        if work == "clear":
            self.ready.clear()
            return {"cleared": True}
        if work == "machine":
            return machine()
        engine, runs = request.pop("engine", "torch"), request.pop("runs", 1)
        request.pop("threads", None)
        request.pop("dtype", None)
        key = (work, engine, tuple(sorted(request.items())))
        if key not in self.ready:
            run = WORKS[work](engine, **request)
            for _ in range(WARM_RUNS):
                result = run()
            require_finite(result)
            self.ready[key] = run
        seconds = []
        for _ in range(runs):
            start = time.perf_counter()
            self.ready[key]()
            seconds.append(time.perf_counter() - start)
        return {"engine": engine, "seconds": seconds}


def machine():
    import diffusers
    import numpy as np
    import transformers

    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    return {"torch": torch.__version__, "diffusers": diffusers.__version__, "transformers": transformers.__version__,
            "numpy": np.__version__, "blas": f"{blas['name']} {blas['version']}", "threads": torch.get_num_threads(),
            "capability": torch.backends.cpu.get_cpu_capability()}


def main():
    session = Session()
    for line in sys.stdin:
        if not line.strip():
            continue
        try:
            reply = session.answer(json.loads(line))
        except Exception as e:  # a peer that can't do one work must still do the others
            reply = {"error": f"{type(e).__name__}: {e}"}
        print(json.dumps(reply), flush=True)


if __name__ == "__main__":
    threads = arguments().threads
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):  # read when the libraries load
        os.environ[name] = str(threads)
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    warnings.filterwarnings("ignore")
    import torch

    torch.set_num_threads(threads)
    torch.set_grad_enabled(False)
    main()
