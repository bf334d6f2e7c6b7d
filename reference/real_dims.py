"""golden/real/*: layers at the dimensions of the published models, over weights made from names and a seed.

    python reference/make_golden.py real_dims                   # golden/real: slices, checked in, minutes and 4 GB of memory
    python reference/real_dims.py --out FOLDER [dit text vae]   # whole tensors at the sizes of a real run, 6 GB, never checked in

The weights of a slice are not stored: made.py and the Java test make the same bits. Of each output stay some elements, the
binary exponent of every channel's root mean square, and signed sums over the rows and over the channels, so that each element
is held by two of them; in the sums each channel is divided by the power of two of that exponent.
"""

import argparse
import json
import os
import sys
from pathlib import Path

import numpy as np
import torch

import common
import made
import pipes

SEED = 7100
DIT = dict(patch_size=2, in_channels=64, out_channels=16, num_layers=1, attention_head_dim=128, num_attention_heads=24,
           joint_attention_dim=3584, axes_dims_rope=[16, 56, 56])
# The layer sizes of Qwen2.5-VL-7B; one decoder layer, a windowed and a full vision block, and a vocabulary of 512.
TEXT = {
    "text_config": {
        "vocab_size": 512, "hidden_size": 3584, "intermediate_size": 18944, "num_hidden_layers": 1, "num_attention_heads": 28,
        "num_key_value_heads": 4, "max_position_embeddings": 128000, "rms_norm_eps": 1e-6, "use_sliding_window": False,
        "bos_token_id": None, "eos_token_id": None,
        "rope_parameters": {"rope_type": "default", "type": "mrope", "rope_theta": 1000000.0, "mrope_section": [16, 24, 24]}},
    "vision_config": {
        "depth": 2, "hidden_size": 1280, "intermediate_size": 3420, "num_heads": 16, "in_channels": 3, "patch_size": 14,
        "spatial_merge_size": 2, "temporal_patch_size": 2, "window_size": 112, "fullatt_block_indexes": [1],
        "out_hidden_size": 3584, "tokens_per_second": 2},
    "tie_word_embeddings": False, "image_token_id": 505, "video_token_id": 506, "vision_start_token_id": 502,
    "vision_end_token_id": 503,
}
VAE = dict(base_dim=96, z_dim=16, dim_mult=[1, 2, 4, 4], num_res_blocks=2, attn_scales=[], temperal_downsample=[False, True, True])

ABSOLUTE = ("pos_embed", "decoded")
# Sums that a slice keeps in either direction; further rows or channels are added to the first ones.
GROUPS = 128

# Channels far above the others, as in the trained models: in the stream of the text encoder and in what it hands on.
MASSIVE = {458: 128, 2570: 64, 7: 16, 1900: 16, 3583: 16}


def few(n, factor, count=3):
    """Some spread indices below n, one of them the last, all with that factor."""
    return {(i + 1) * n // count - 1: factor for i in range(count)}


def weight_spec(name, shape, dtype, seed):
    """Spread by fan-in, so that activations stay at the size a trained model has; norms about one; outliers by name."""
    narrow = dtype == "F8_E4M3" and len(shape) < 2
    fields = dict(seed=seed, dtype="BF16" if narrow else dtype)
    if name.endswith("gamma"):
        return made.spec(name, shape, deviation=0.2, mean=1.0, **fields)
    if len(shape) == 1 and name.endswith("weight"):  # RMSNorm
        columns = few(shape[0], 4) if "norm_" in name else None
        return made.spec(name, shape, deviation=0.2, mean=1.0, columns=columns, **fields)
    if len(shape) == 1:
        columns = few(shape[0], 16, 12) if name.endswith(("q_proj.bias", "k_proj.bias")) else None
        return made.spec(name, shape, deviation=0.1, columns=columns, **fields)
    if "embed_tokens" in name:
        return made.spec(name, shape, deviation=0.5, columns=MASSIVE, **fields)
    fan_in = int(np.prod(shape[1:]))
    gain = 1.0
    rows = None
    if len(shape) == 5 and shape[2] == 3:  # one frame meets the last of three taps in time
        fan_in //= 3
    if len(shape) >= 4:
        gain = 0.4 if name == "decoder.conv_out.weight" else 1.2
    if name.endswith(("to_out.0.weight", "to_add_out.weight", "img_mlp.net.2.weight", "txt_mlp.net.2.weight", "down_proj.weight")):
        rows = {shape[0] // 3: 32, shape[0] - 1: 16}
    if "time_text_embed" in name:
        gain = 1.5
    if "_mod.1" in name:
        rows = few(shape[0], 4, 12)
    return made.spec(name, shape, deviation=gain / fan_in**0.5, rows=rows, **fields)


def build(make_model, dtype, seed):
    """(model with float32 copies of the made weights, their specs, the weights as stored)"""
    import accelerate

    with accelerate.init_empty_weights():
        model = make_model()
    specs = [weight_spec(name, tuple(p.shape), dtype, seed) for name, p in sorted(model.named_parameters())]
    stored = made.make_all(specs)
    model.load_state_dict({k: v.float() for k, v in stored.items()}, strict=True, assign=True)
    return model.eval(), specs, stored


def signs(count):
    with np.errstate(over="ignore"):
        return np.where(made._counted(0, 0, count) & 1, -1.0, 1.0)


def spread_indices(count, want):
    want = min(count, want)
    return sorted({i * (count - 1) // max(1, want - 1) for i in range(want)})


def grouped(sums, elements):
    """Sums g, g + GROUPS, g + 2 GROUPS, … added up, over the root of how many elements are in them."""
    groups = min(len(sums), GROUPS)
    out = np.zeros(groups)
    np.add.at(out, np.arange(len(sums)) % groups, sums)
    return (out / (elements / groups) ** 0.5).astype(np.float32)


def sliced(key, value):
    """What golden/real keeps of a tensor, its last axis being channels."""
    x = value.reshape(-1, value.shape[-1]).double().numpy()
    rows, channels = x.shape
    rms = np.sqrt((x**2).mean(0))
    columns = sorted({*spread_indices(channels, 40), *np.argsort(-rms, kind="stable")[:6].tolist()})
    if key.startswith(ABSOLUTE):
        exponents = np.zeros(channels)
    elif rows < 8:  # too few for a mean of each channel
        exponents = np.full(channels, np.round(np.log2((x**2).mean() ** 0.5)))
    else:  # every channel counts as much as an outlier
        exponents = np.round(np.log2(rms))
    unit = x / 2.0**exponents
    signed = unit * signs(channels) * signs(rows)[:, None]
    return {
        key: torch.from_numpy(x[np.ix_(spread_indices(rows, 12), columns)].astype(np.float32)),
        f"{key}.columns": torch.tensor(columns, dtype=torch.int32),
        f"{key}.exponents": torch.from_numpy(exponents.astype(np.int8)),
        f"{key}.row_sums": grouped(signed.sum(1), x.size),
        f"{key}.channel_sums": grouped(signed.sum(0), x.size),
    }


def compact(config):
    return json.dumps(json.loads(config), separators=(",", ":"))


class Small:
    """Writes golden/real."""

    def keep(self, name, model, config, specs, inputs, request, outputs):
        tensors = {}
        for key, value in outputs.items():
            tensors.update(sliced(key, value))
        stored = {k: v for k, v in inputs.items() if not isinstance(v, dict)}
        request = {"config": compact(config), "weights": specs, "inputs": [v for v in inputs.values() if isinstance(v, dict)], **request}
        common.golden(f"real/{name}", name, request, {**tensors, **stored}, (SEED,))


class Large:
    """Writes whole tensors under a folder; the weights are there already, in the format of the library."""

    def __init__(self, out):
        self.out = out

    def keep(self, name, model, config, specs, inputs, request, outputs):
        made_inputs = {k: made.make(dict(v))[0] if isinstance(v, dict) else v for k, v in inputs.items()}
        request = {"config": compact(config), "model": model, "versions": common.versions(), **request}
        path = self.out / f"{name}.safetensors"
        common.write_safetensors(path, {**made_inputs, **outputs}, {"case": name, "request": json.dumps(request)})
        print(f"{path}: {path.stat().st_size:,} bytes", flush=True)


def value(spec):
    """The float32 tensor of an input, its checksum noted in the spec."""
    tensor, checksum = made.make(spec)
    spec["checksum"] = f"{checksum:016x}"
    return tensor


def save(model, stored, folder):
    """As published: the stored type, the library's own config.json, sharded."""
    dtype = next(iter(stored.values())).dtype
    model.to(dtype).save_pretrained(folder, max_shard_size="500MB")
    (folder / "generation_config.json").unlink(missing_ok=True)


def exact_time(_, args, output):
    """A hook that gives time_proj frequencies rounded correctly. torch leaves that exponential to MKL, which gives one to six of the
    128 floats as the next ones, which ones depending on the instructions it finds. At t * 1000 = 767 the angle of such a frequency is
    off by 3e-5, more than all rounding after it. README says how far the untouched reference is."""
    exponent = (-np.log(10000) * torch.arange(0, 128, dtype=torch.float32)) / 128
    frequencies = torch.from_numpy(np.exp(exponent.double().numpy()).astype(np.float32))
    angles = 1000 * (args[0][:, None].float() * frequencies[None])
    projection = torch.cat([torch.cos(angles), torch.sin(angles)], -1)
    assert (projection - output).abs().max() < 1e-4
    return projection


def dit_forwards(keep, name, model, zero_cond_t, specs, grids, text_tokens, where):
    """One forward with t = 0 for the references or without; the model's own flag is set, no weight depends on it."""
    import transformer

    model.zero_cond_t = zero_cond_t
    for block in model.transformer_blocks:
        block.zero_cond_t = zero_cond_t
    model.register_to_config(zero_cond_t=zero_cond_t)
    target = grids[0][0] * grids[0][1]
    inputs = {
        "image_tokens": made.spec("image_tokens", (sum(h * w for h, w in grids), 64), "F32", 1.0, seed=SEED),
        "text": made.spec("text", (text_tokens, 3584), "F32", 1.5, columns=MASSIVE, seed=SEED),
    }
    timestep = 0.7666
    call = dict(
        hidden_states=value(inputs["image_tokens"])[None], encoder_hidden_states=value(inputs["text"])[None],
        encoder_hidden_states_mask=None, timestep=torch.tensor([timestep], dtype=torch.float32),
        img_shapes=[[(1, h, w) for h, w in grids]], return_dict=False)
    untouched = model(**call)[0][0, :target]
    found, handles = transformer.taps(model)
    handles.append(model.time_text_embed.time_proj.register_forward_hook(exact_time))
    out = model(**call)[0][0, :target]
    for handle in handles:
        handle.remove()
    found.pop("proj_out")
    found["norm_out"] = found["norm_out"][:target]
    found.update({"output": out, "untouched.output": untouched})
    positions = transformer.rope(model, grids, text_tokens)
    found.update({k: positions[k] for k in ("pos_embed.cos", "pos_embed.sin")})
    request = {"grids": [list(g) for g in grids], "text_tokens": text_tokens, "timestep": timestep}
    keep.keep(name, where, model.to_json_string(), specs, inputs, request, found)


def dit(keep, dtypes, grids, text_tokens):
    from diffusers import QwenImageTransformer2DModel

    for dtype in dtypes:
        model, specs, stored = build(lambda: QwenImageTransformer2DModel(**DIT, zero_cond_t=True), dtype, SEED)
        short = dtype.split("_")[0].lower()
        for zero in (True, False):
            dit_forwards(keep, f"dit_{short}_{'zero' if zero else 'plain'}", model, zero, specs, grids, text_tokens, f"dit_{short}")
        if isinstance(keep, Large):
            model.register_to_config(zero_cond_t=True)
            save(model, stored, keep.out / f"dit_{short}")


def text(keep, dtypes, grid, words):
    from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

    for dtype in dtypes:
        config = Qwen2_5_VLConfig(**json.loads(json.dumps(TEXT)))
        model, specs, stored = build(lambda: Qwen2_5_VLForConditionalGeneration(config), dtype, SEED + 1)
        short = dtype.lower()
        rows, columns = grid
        pads = rows * columns // 4
        words_of = common.seeded(SEED)
        ids = torch.randint(0, 500, (words,), generator=words_of).tolist()
        ids = ids[: words // 2] + [502] + [505] * pads + [503] + ids[words // 2 :]
        pixels = made.spec("pixel_values", (rows * columns, 1176), "F32", 1.0, seed=SEED)
        call = {"input_ids": torch.tensor([ids]), "attention_mask": torch.ones(1, len(ids), dtype=torch.long),
                "pixel_values": value(pixels), "image_grid_thw": torch.tensor([[1, rows, columns]])}
        with pipes.TextTaps(model) as taps:
            model(**call)
        found = {k: v for k, v in taps.calls[0].items() if k.startswith(("model.", "visual.")) or k in ("hidden", "image_embeds")}
        kinds = (call["input_ids"] == TEXT["image_token_id"]).int()
        on_grid = model(**call, mm_token_type_ids=kinds, output_hidden_states=True).hidden_states[-1][0]
        model.model.rope_deltas = None
        inputs = {"pixel_values": pixels, "input_ids": torch.tensor(ids)}
        request = {"grid": [rows, columns]}
        where = f"text_{short}"
        keep.keep(where, where, model.config.to_json_string(use_diff=False), specs, inputs, request,
                  {**found, "mrope3d.hidden": on_grid, "made.pixel_values": call["pixel_values"]})
        if isinstance(keep, Large):
            save(model, stored, keep.out / where)


def vae_stages(tensors):
    """The stages with the most arithmetic before them: the last of each width."""
    kept = ("encoder.conv_in", "encoder.down_blocks.2", "encoder.down_blocks.5", "encoder.down_blocks.8", "encoder.down_blocks.10",
            "encoder.mid_block.attentions.0", "encoder.mid_block.resnets.1", "decoder.conv_in", "decoder.mid_block.attentions.0",
            "decoder.up_blocks.0.resnets.2", "decoder.up_blocks.1.resnets.2", "decoder.up_blocks.2.resnets.2",
            "decoder.up_blocks.3.resnets.2", "decoder.up_blocks.1.upsamplers.0")
    missing = [key for key in kept if key not in tensors]
    if missing:
        raise KeyError(f"no stage {missing}")
    return {key: tensors[key] for key in kept}


def vae(keep, dtypes, width, height):
    from diffusers import AutoencoderKLQwenImage
    from pictures import draw

    import vae as small_vae

    for dtype in dtypes:
        model, specs, stored = build(lambda: AutoencoderKLQwenImage(**VAE), dtype, SEED + 2)
        short = dtype.lower()
        picture = common.pixels(draw(SEED, width, height))
        x = (picture.float() / 255 * 2 - 1).permute(2, 0, 1)[None, :, None]
        found, handles = small_vae.taps(model)
        z = small_vae.mode(model, x)
        mean, std = small_vae.stats(model)
        latents = z / z.std() * std + mean  # as far from zero as trained latents
        outputs = {"encoded": small_vae.last(z), "decoded": small_vae.last(model.decode(latents, return_dict=False)[0])}
        for handle in handles:
            handle.remove()
        outputs.update(vae_stages(found))
        inputs = {"rgb": picture, "latents": small_vae.last(latents)}
        where = f"vae_{short}"
        keep.keep(where, where, model.to_json_string(), specs, inputs, {}, outputs)
        if isinstance(keep, Large):
            save(model, stored, keep.out / where)


def main():
    keep = Small()
    dit(keep, ("F32", "BF16", "F8_E4M3"), [(6, 8), (4, 7)], 23)
    text(keep, ("F32", "BF16"), (12, 10), 20)
    vae(keep, ("F32", "BF16"), 96, 64)


def large():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", help="of dit text vae; default: all")
    parser.add_argument("--out", type=Path, help="folder for the whole tensors; without it the checked-in slices are made")
    args = parser.parse_args()
    if args.out is None:
        common.run("real_dims", main)
        return
    common.settle()
    torch.set_num_threads(os.cpu_count())
    args.out.mkdir(parents=True, exist_ok=True)
    keep = Large(args.out)
    unknown = set(args.parts) - {"dit", "text", "vae"}
    if unknown:
        sys.exit(f"parts, expected dit, text or vae, got {', '.join(sorted(unknown))}")
    parts = args.parts or ["dit", "text", "vae"]
    if "dit" in parts:  # 1024x1024 from a reference of that size, and a prompt with its picture
        dit(keep, ("BF16",), [(64, 64), (64, 64)], 256)
    if "text" in parts:  # a picture of 392x392 as the pipelines hand it over
        text(keep, ("BF16",), (28, 28), 100)
    if "vae" in parts:
        vae(keep, ("BF16",), 512, 384)


if __name__ == "__main__":
    large()
