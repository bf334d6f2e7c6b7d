"""golden/models/*: tiny models with random weights and shapes unlike the embedded model's."""

import json
import shutil

import torch

import common

BASE_SEED = 900


def fill(model, seed, gain=1.0):
    """Random weights, by parameter name, whatever the library's initialisation: fan-in scaled, norms around one."""
    generator = common.seeded(seed)
    for name, parameter in sorted(model.named_parameters()):
        noise = torch.randn(parameter.shape, generator=generator)
        if name.endswith("gamma") or (parameter.ndim == 1 and "norm" in name and name.endswith("weight")) or "ln_q" in name:
            value = 1 + 0.2 * noise
        elif parameter.ndim == 1:
            value = 0.1 * noise
        elif "embed_tokens" in name or "addition_t_embedding" in name:
            value = 0.7 * noise
        else:
            value = gain * noise / (parameter[0].numel() ** 0.5)
        parameter.data.copy_(value)
    return model.eval()


def fresh(name):
    folder = common.MODELS / name
    if folder.is_dir():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    return folder


# ---------------------------------------------------------------- text encoders

TOKENS = {"image_token_id": 100, "video_token_id": 101, "vision_start_token_id": 98, "vision_end_token_id": 99}


def text_config(text, vision, tie, tokens=None):
    text = {
        "vocab_size": 128, "max_position_embeddings": 4096, "rms_norm_eps": 1e-6, "use_sliding_window": False,
        "bos_token_id": None, "eos_token_id": None, **text,
    }
    vision = {"in_channels": 3, "spatial_merge_size": 2, "temporal_patch_size": 2, "out_hidden_size": text["hidden_size"],
              **vision}
    return {"text_config": text, "vision_config": vision, "tie_word_embeddings": tie, **(tokens or TOKENS)}


def rope(theta, section):
    return {"rope_type": "default", "type": "mrope", "rope_theta": theta, "mrope_section": section}


TEXT = {
    # 6 query heads on 2 key heads of 8, untied, 3x3 windows of merged patches, sharded BF16.
    "text-gqa": text_config(
        {"hidden_size": 48, "intermediate_size": 84, "num_hidden_layers": 3, "num_attention_heads": 6,
         "num_key_value_heads": 2, "rope_parameters": rope(1000000.0, [1, 1, 2])},
        {"depth": 3, "hidden_size": 32, "intermediate_size": 52, "num_heads": 4, "patch_size": 8, "window_size": 48,
         "fullatt_block_indexes": [2]},
        tie=False),
    # One key head for all, every vision block attends in full, F32.
    "text-mqa": text_config(
        {"hidden_size": 48, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 3,
         "num_key_value_heads": 1, "rms_norm_eps": 1e-5, "rope_parameters": rope(10000.0, [2, 3, 3])},
        {"depth": 2, "hidden_size": 24, "intermediate_size": 40, "num_heads": 2, "patch_size": 8, "window_size": 32,
         "fullatt_block_indexes": [0, 1]},
        tie=True),
}
# The layout of transformers 4: one flat config, keys `visual.*`, `model.*`, `lm_head.weight`; F16.
FLAT = text_config(
    {"hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2, "num_attention_heads": 4,
     "num_key_value_heads": 4, "rope_parameters": rope(1000000.0, [2, 3, 3])},
    {"depth": 2, "hidden_size": 32, "intermediate_size": 48, "num_heads": 2, "patch_size": 8, "window_size": 64,
     "fullatt_block_indexes": [0]},
    tie=False)


def text_model(config, seed):
    from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

    return fill(Qwen2_5_VLForConditionalGeneration(Qwen2_5_VLConfig(**json.loads(json.dumps(config)))), seed)


def make_text():
    for i, (name, config) in enumerate(TEXT.items()):
        model = text_model(config, BASE_SEED + i)
        if name == "text-gqa":
            model.to(torch.bfloat16).save_pretrained(fresh(name), max_shard_size="96KB")
        else:
            model.save_pretrained(fresh(name))
        (common.MODELS / name / "generation_config.json").unlink(missing_ok=True)
        common.wrote_folder(common.MODELS / name, (BASE_SEED + i,))
    folder = fresh("text-flat")
    text = FLAT["text_config"]
    flat = {k: v for k, v in text.items() if k not in ("rope_parameters", "bos_token_id", "eos_token_id")}
    flat.update(
        architectures=["Qwen2_5_VLForConditionalGeneration"], model_type="qwen2_5_vl", torch_dtype="float16",
        hidden_act="silu", rope_theta=text["rope_parameters"]["rope_theta"], max_window_layers=2, sliding_window=32768,
        rope_scaling={"type": "mrope", "mrope_section": text["rope_parameters"]["mrope_section"]},
        tie_word_embeddings=False, transformers_version="4.41.2", **TOKENS)
    vision = {k: v for k, v in FLAT["vision_config"].items() if k != "in_channels"}
    flat["vision_config"] = {"model_type": "qwen2_5_vl", "hidden_act": "silu", "in_chans": 3, **vision}
    (folder / "config.json").write_text(json.dumps(flat, indent=1) + "\n", "utf-8")
    model = text_model(FLAT, BASE_SEED + 5)
    tensors = {}
    for key, value in model.state_dict().items():
        key = key.replace("model.visual.", "visual.").replace("model.language_model.", "model.")
        tensors[key] = value.to(torch.float16)
    common.write_safetensors(folder / "model.safetensors", tensors, {"format": "pt"})
    common.wrote_folder(folder, (BASE_SEED + 5,))
    # transformers itself must read that layout as the same model.
    from transformers import Qwen2_5_VLForConditionalGeneration

    again = Qwen2_5_VLForConditionalGeneration.from_pretrained(folder, dtype=torch.float32)
    mine = model.state_dict()
    for key, value in again.state_dict().items():
        assert torch.equal(value, mine[key].to(torch.float16).float()), key


# ---------------------------------------------------------------- VAEs


def stats(seed, z):
    generator = common.seeded(seed)
    mean = torch.randn(z, generator=generator) * 0.6
    std = 0.5 + 2.5 * torch.rand(z, generator=generator)
    return [round(v, 4) for v in mean.tolist()], [round(v, 4) for v in std.tolist()]


VAE = {
    "vae-short": (dict(base_dim=6, z_dim=8, dim_mult=[1, 2, 2], num_res_blocks=1, attn_scales=[],
                       temperal_downsample=[True, False]), torch.float16),
    "vae-uneven": (dict(base_dim=4, z_dim=4, dim_mult=[2, 1, 4, 2], num_res_blocks=3, attn_scales=[],
                        temperal_downsample=[True, True, False]), torch.bfloat16),
    # diffusers 0.42.1 builds this one but its encode() raises (see README); golden from its encoder without the cache.
    "vae-attention": (dict(base_dim=4, z_dim=4, dim_mult=[1, 2, 4], num_res_blocks=1, attn_scales=[1.0, 0.5],
                           temperal_downsample=[False, True]), torch.bfloat16),
}


def vae_model(config, seed):
    from diffusers import AutoencoderKLQwenImage

    mean, std = stats(seed + 1000, config["z_dim"])
    return fill(AutoencoderKLQwenImage(**config, latents_mean=mean, latents_std=std), seed, gain=1.2)


def make_vae():
    for i, (name, (config, dtype)) in enumerate(VAE.items()):
        seed = BASE_SEED + 20 + i
        vae_model(config, seed).to(dtype).save_pretrained(fresh(name))
        common.wrote_folder(common.MODELS / name, (seed, seed + 1000))


# ---------------------------------------------------------------- transformers

DIT = {
    # name: (config, dtype, shard size)
    "dit-h32": (dict(num_layers=1, attention_head_dim=32, num_attention_heads=2, joint_attention_dim=40,
                     axes_dims_rope=[8, 12, 12], zero_cond_t=True), torch.bfloat16, "120KB"),
    "dit-h64": (dict(num_layers=1, attention_head_dim=64, num_attention_heads=1, joint_attention_dim=56,
                     axes_dims_rope=[16, 24, 24], zero_cond_t=False), torch.float16, None),
    "dit-tcond": (dict(num_layers=1, attention_head_dim=16, num_attention_heads=3, joint_attention_dim=24,
                       axes_dims_rope=[4, 6, 6], zero_cond_t=True, use_additional_t_cond=True), torch.bfloat16, None),
    "dit-z4": (dict(in_channels=16, out_channels=4, num_layers=2, attention_head_dim=8, num_attention_heads=5,
                    joint_attention_dim=32, axes_dims_rope=[2, 2, 4], zero_cond_t=False, use_additional_t_cond=True),
               torch.bfloat16, None),
}


def dit_model(config, seed):
    from diffusers import QwenImageTransformer2DModel

    return fill(QwenImageTransformer2DModel(**config), seed)


def make_dit():
    for i, (name, (config, dtype, shard)) in enumerate(DIT.items()):
        seed = BASE_SEED + 40 + i
        model = dit_model(config, seed).to(dtype)
        folder = fresh(name)
        if shard:
            model.save_pretrained(folder, max_shard_size=shard)
        else:
            model.save_pretrained(folder)
        common.wrote_folder(folder, (seed,))


# ---------------------------------------------------------------- a whole model folder

FULL = "full"


def make_full():
    from diffusers import FlowMatchEulerDiscreteScheduler

    folder = fresh(FULL)
    tiny_text = json.loads((common.TINY / "text_encoder" / "config.json").read_text("utf-8"))
    tokens = {k: tiny_text[k] for k in TOKENS}
    text = text_config(
        {"vocab_size": tiny_text["text_config"]["vocab_size"], "hidden_size": 40, "intermediate_size": 72,
         "num_hidden_layers": 3, "num_attention_heads": 5, "num_key_value_heads": 1,
         "rope_parameters": rope(1000000.0, [1, 1, 2])},
        {"depth": 2, "hidden_size": 24, "intermediate_size": 44, "num_heads": 3, "patch_size": 14, "window_size": 56,
         "fullatt_block_indexes": [1]},
        tie=True, tokens=tokens)
    text_model(text, BASE_SEED + 60).to(torch.bfloat16).save_pretrained(folder / "text_encoder")
    (folder / "text_encoder" / "generation_config.json").unlink(missing_ok=True)
    vae = dict(base_dim=4, z_dim=16, dim_mult=[1, 2, 4, 4], num_res_blocks=1, attn_scales=[],
               temperal_downsample=[False, True, True])
    vae_model(vae, BASE_SEED + 61).to(torch.bfloat16).save_pretrained(folder / "vae")
    dit = dict(num_layers=2, attention_head_dim=24, num_attention_heads=2, joint_attention_dim=40,
               axes_dims_rope=[4, 10, 10], zero_cond_t=False)
    dit_model(dit, BASE_SEED + 62).to(torch.bfloat16).save_pretrained(folder / "transformer", max_shard_size="150KB")
    FlowMatchEulerDiscreteScheduler(
        use_dynamic_shifting=True, base_shift=0.5, max_shift=1.15, base_image_seq_len=256, max_image_seq_len=4096,
        shift_terminal=None).save_pretrained(folder / "scheduler")
    for part in ("tokenizer", "processor"):
        shutil.copytree(common.TINY / part, folder / part)
    shutil.copyfile(common.TINY / "model_index.json", folder / "model_index.json")
    keys = {"vae_image_area": 96 * 96, "condition_image_area": 64 * 64, "default_width": 96, "default_height": 96}
    (folder / "inkstone.json").write_text(json.dumps(keys, indent=1) + "\n", "utf-8")
    common.wrote_folder(folder, (BASE_SEED + 60, BASE_SEED + 61, BASE_SEED + 62))


def main():
    make_text()
    make_vae()
    make_dit()
    make_full()


if __name__ == "__main__":
    common.run("tiny_configs", main)
