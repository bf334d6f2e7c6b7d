"""golden/lora/*: LoRA, LoHa and LoKr files of the tiny model, and the pictures that diffusers and peft make with them."""

import copy
import json
import math
import tempfile
from pathlib import Path

import torch

import common
import pipeline
import pipes

FOLDER = "reference/golden/lora"
T2I, PLUS = pipeline.T2I, pipeline.PLUS

BLOCK = ("attn.to_q", "attn.to_k", "attn.to_v", "attn.to_out.0", "attn.add_q_proj", "attn.add_k_proj", "attn.add_v_proj",
         "attn.to_add_out", "img_mlp.net.0.proj", "img_mlp.net.2", "txt_mlp.net.0.proj", "txt_mlp.net.2", "img_mod.1", "txt_mod.1")
TIME = "time_text_embed.timestep_embedder"
TOP = ("img_in", "txt_in", "proj_out", "norm_out.linear", f"{TIME}.linear_1", f"{TIME}.linear_2")

# Every kind of layer, some ranks differing.
A = {**{name: 4 for name in TOP}, **{f"transformer_blocks.0.{name}": 4 for name in BLOCK},
     f"{TIME}.linear_2": 3, "transformer_blocks.0.attn.to_k": 6, "transformer_blocks.0.txt_mlp.net.0.proj": 5,
     "transformer_blocks.5.attn.to_q": 2, "transformer_blocks.5.img_mlp.net.0.proj": 8}
B = {"transformer_blocks.0.attn.to_q": 4, "transformer_blocks.1.attn.to_v": 2, "transformer_blocks.1.img_mlp.net.2": 3,
     "transformer_blocks.4.txt_mod.1": 4, "proj_out": 4}
M = {"transformer_blocks.0.attn.to_q": 4, "transformer_blocks.2.attn.to_k": 2, "transformer_blocks.2.img_mlp.net.0.proj": 4}
HADAMARD = {"transformer_blocks.0.attn.to_q": 4, "transformer_blocks.1.attn.to_out.0": 3, "transformer_blocks.1.img_mlp.net.0.proj": 4,
            "transformer_blocks.2.img_mlp.net.2": 2, "transformer_blocks.0.img_mod.1": 4, "proj_out": 10}
# With factor 8 peft makes left factors of up to 8 and right ones of 32 to 128: rank 20 leaves both whole on the square layers, 6 the left one, 2 none.
KRONECKER = {"transformer_blocks.0.attn.to_q": 20, "transformer_blocks.1.attn.to_v": 6, "transformer_blocks.2.attn.to_out.0": 2,
             "transformer_blocks.1.img_mlp.net.0.proj": 6, "transformer_blocks.2.img_mlp.net.2": 2, "transformer_blocks.0.txt_mod.1": 6}
LIGHTNING = {"base_image_seq_len": 256, "base_shift": math.log(3), "max_image_seq_len": 8192, "max_shift": math.log(3), "shift": 1.0,
             "shift_terminal": None, "time_shift_type": "exponential", "use_dynamic_shifting": True}


def factors(model, layers, seed, strength):
    """{path: (A [rank, in], B [out, rank])}."""
    generator, made = common.seeded(seed), {}
    for path, rank in layers.items():
        out, inner = model.get_submodule(path).weight.shape
        down = torch.randn(rank, inner, generator=generator) / math.sqrt(inner)
        made[path] = down, torch.randn(out, rank, generator=generator) * strength
    return made


def spelled(made, module, down, up, alphas=None):
    out = {}
    for path, (a, b) in made.items():
        name = module(path)
        out[f"{name}.{down}"], out[f"{name}.{up}"] = a, b
        if alphas:
            out[f"{name}.alpha"] = torch.tensor(float(alphas[path]))
    return out


def kohya(path):
    return "lora_unet_" + path.replace(".", "_")


def lycoris(path):
    return "lycoris_" + path.replace(".", "_")


def write(name, tensors, seed, metadata=None):
    path = common.GOLDEN / "lora" / f"{name}.safetensors"
    common.write_safetensors(path, tensors, metadata)
    common.wrote(path, (seed,))
    return path


def spellings(made):
    """What diffusers itself reads of the spellings of a file without alpha; they must all give the same picture."""
    rank = {path: a.shape[0] for path, (a, _) in made.items()}
    return {
        "diffusion_model.": spelled(made, lambda p: f"diffusion_model.{p}", "lora_A.weight", "lora_B.weight"),
        "default": spelled(made, lambda p: p, "lora_A.default.weight", "lora_B.default.weight"),
        "alpha": spelled(made, lambda p: p, "lora_down.weight", "lora_up.weight", rank),
        "kohya": spelled(made, kohya, "lora_down.weight", "lora_up.weight", rank),
    }


def inject(transformer, config, ranks, seed, strength):
    """Puts peft's LoHa or LoKr beside the layers; returns its tensors by name, without peft's own prefix."""
    from peft import get_peft_model_state_dict, inject_adapter_in_model

    inject_adapter_in_model(config, transformer, adapter_name="default")
    generator = common.seeded(seed)
    for name, value in transformer.named_parameters():
        if "hada_" in name or "lokr_" in name:
            value.data = torch.randn(value.shape, generator=generator) * strength(name, value)
    state = get_peft_model_state_dict(transformer, adapter_name="default")
    return {k.removeprefix("base_model.model."): v for k, v in state.items()}


def lycoris_file(state, alphas):
    out = {}
    for key, value in state.items():
        path, part = key.rsplit(".", 1)
        out[f"{lycoris(path)}.{part}"] = value.detach()
    for path, alpha in alphas.items():
        out[f"{lycoris(path)}.alpha"] = torch.tensor(float(alpha))
    return out


def ask(pipeline_name, size, steps, cfg, seed, loras, pictures=(), **more):
    prompt = pipeline.NAVY if pictures else pipeline.RED
    return pipeline.request(common.TINY, pipeline_name, prompt, list(pictures), size, steps, cfg, seed, " " if cfg > 1 else None,
                            loras=[{"path": f"{FOLDER}/{n}.safetensors", "scale": s} for n, s in loras], **more)


def main():
    made = pipes.load(common.TINY)
    original = made[T2I].transformer

    def use(transformer):
        for pipe in made.values():
            pipe.register_modules(transformer=transformer)

    def render(asked):
        record = {}
        image = pipeline.run(made[asked["pipeline"]], common.TINY, asked, record)
        steps = len(pipeline.pipe_steps(record))
        return image, record[f"step.{steps - 1}.latents"], record["sigmas"]

    plain = {}

    def case(name, asked, sigmas=False):
        """With what `use` put in place; also says how far that is from the picture without it."""
        image, latents, levels = render(asked)
        transformer = made[T2I].transformer
        key = json.dumps({k: v for k, v in asked.items() if k != "loras"})
        if key not in plain:
            use(original)
            plain[key] = render(asked)[0]
            use(transformer)
        apart = (image.int() - plain[key].int()).abs().double()
        effect = torch.tensor([apart.max(), apart.mean()], dtype=torch.float64)
        assert effect[0] > 30, (name, effect)
        print(f"{name}: {effect[0]:.0f} / {effect[1]:.2f} of 255 from the picture without")
        tensors = {"image": image, "latents": latents, "effect": effect}
        if sigmas:
            tensors["sigmas"] = levels
        common.golden(f"lora/cases/{name}", name, asked, tensors, (asked["seed"],))

    def loaded(*loras):
        use(copy.deepcopy(original))
        pipe = made[T2I]
        for i, (what, _) in enumerate(loras):
            pipe.load_lora_weights(what if isinstance(what, dict) else str(what), adapter_name=f"l{i}")
        pipe.set_adapters([f"l{i}" for i in range(len(loras))], [scale for _, scale in loras])

    # 1. LoRA in diffusers' own spelling, and in the others that it reads
    first = factors(original, A, 901, 0.12)
    a = write("a", spelled(first, lambda p: f"transformer.{p}", "lora_A.weight", "lora_B.weight"), 901)
    asked = ask(T2I, (64, 64), 4, 1.0, 21, [("a", 1.0)])
    loaded((a, 1.0))
    case("t2i_a", asked)
    image, latents, _ = render(asked)
    for name, state in spellings(first).items():
        loaded((state, 1.0))
        other, there, _ = render(asked)
        assert torch.equal(latents, there), f"{name}: diffusers reads this spelling differently"
        assert torch.equal(image, other)
    loaded((a, 0.8))
    case("plus_a_cfg", ask(PLUS, (64, 48), 4, 4.0, 22, [("a", 0.8)], [pipeline.PLATE]))

    # 2. kohya's spelling with alpha, and two at once
    alphas = {path: 0.5 * rank if rank != 2 else 3 for path, rank in B.items()}
    b = write("b", spelled(factors(original, B, 902, 0.4), kohya, "lora_down.weight", "lora_up.weight", alphas), 902)
    loaded((b, 1.0))
    case("t2i_b", ask(T2I, (64, 48), 4, 1.0, 23, [("b", 1.0)]))
    loaded((a, 0.7), (b, -0.5))
    case("plus_a_b", ask(PLUS, (64, 64), 4, 1.0, 24, [("a", 0.7), ("b", -0.5)], [pipeline.PLATE, pipeline.HEART]))

    # 3. Alpha in peft's metadata
    config = {"transformer.r": 4, "transformer.lora_alpha": 8, "transformer.rank_pattern": {"transformer_blocks.2.attn.to_k": 2},
              "transformer.alpha_pattern": {"img_mlp.net.0.proj": 2, "transformer_blocks.2.attn.to_k": 5},
              "transformer.target_modules": sorted(M), "transformer.use_rslora": True}
    m = write("metadata", spelled(factors(original, M, 903, 0.8), lambda p: f"transformer.{p}", "lora_A.weight", "lora_B.weight"), 903,
              {"lora_adapter_metadata": json.dumps(config, sort_keys=True), "format": "pt"})
    loaded((m, 1.0))
    case("t2i_metadata", ask(T2I, (64, 64), 4, 1.0, 25, [("metadata", 1.0)]))

    # 4. LoHa and LoKr as peft's modules
    from peft import LoHaConfig, LoKrConfig

    alpha = {path: 2 * rank for path, rank in HADAMARD.items()}
    use(copy.deepcopy(original))
    state = inject(
        made[T2I].transformer,
        LoHaConfig(r=4, alpha=8, target_modules=list(HADAMARD), init_weights=False,
                   rank_pattern=HADAMARD, alpha_pattern=alpha), HADAMARD, 904,
        lambda name, value: 1 / math.sqrt(value.shape[1]) if name.split(".")[-2].endswith("_b") else 0.35)
    write("loha", lycoris_file(state, alpha), 904)
    case("t2i_loha", ask(T2I, (64, 64), 4, 1.0, 26, [("loha", 1.0)]))
    alpha = {path: rank if rank == 20 else 1.5 * rank for path, rank in KRONECKER.items()}
    use(copy.deepcopy(original))
    state = inject(
        made[T2I].transformer,
        LoKrConfig(r=6, alpha=9, target_modules=list(KRONECKER), init_weights=False, decompose_both=True, decompose_factor=8,
                   rank_pattern=KRONECKER, alpha_pattern=alpha), KRONECKER, 905, lambda name, value: 0.15 if "w1" in name else 0.12)
    kinds = {tuple(sorted(k.rsplit(".", 1)[1] for k in state if k.startswith(path + "."))) for path in KRONECKER}
    assert kinds >= {("lokr_w1", "lokr_w2"), ("lokr_w1", "lokr_w2_a", "lokr_w2_b"), ("lokr_w1_a", "lokr_w1_b", "lokr_w2_a", "lokr_w2_b")}, kinds
    write("lokr", lycoris_file(state, alpha), 905)
    case("t2i_lokr", ask(T2I, (64, 64), 4, 1.0, 27, [("lokr", 1.0)]))

    # 5. Whole differences, merged in float32 as ComfyUI merges them
    generator, delta = common.seeded(906), {}
    use(copy.deepcopy(original))
    scale = 0.75
    for path in ("proj_out", "img_in"):
        layer = made[T2I].transformer.get_submodule(path)
        change = (torch.randn(layer.weight.shape, generator=generator) * 0.05).to(torch.bfloat16)
        delta[f"diffusion_model.{path}.diff"] = change
        layer.weight += scale * change.float()
    for path in ("transformer_blocks.3.attn.to_q", "transformer_blocks.0.img_mod.1", "proj_out"):
        layer = made[T2I].transformer.get_submodule(path)
        change = torch.randn(layer.bias.shape, generator=generator) * 0.1
        delta[f"diffusion_model.{path}.diff_b"] = change
        layer.bias += scale * change
    write("delta", delta, 906)
    case("t2i_delta", ask(T2I, (64, 64), 4, 1.0, 28, [("delta", scale)]))

    # 6. Lightning's schedule, with a file spelled as the published ones are
    lightning = "Qwen-Image-Lightning-4steps-V1.0"
    ranks = {path: 2 * a.shape[0] for path, (a, _) in factors(original, B, 907, 1).items()}
    path = write(lightning, spelled(factors(original, B, 907, 0.3), lambda p: p, "lora_down.weight", "lora_up.weight", ranks), 907)
    loaded((path, 1.0))
    case("t2i_lightning_4", ask(T2I, (64, 64), 4, 1.0, 29, [(lightning, 1.0)], scheduler=LIGHTNING), sigmas=True)
    lightning_sigmas()


def lightning_sigmas():
    """The levels of 4 and 8 steps for small and large pictures: with both shifts log 3, the size does not matter."""
    from diffusers import FlowMatchEulerDiscreteScheduler
    from diffusers.pipelines.qwenimage.pipeline_qwenimage import calculate_shift
    import numpy as np

    tensors = {}
    for steps in (4, 8):
        for tokens in (16, 4096, 6889):
            scheduler = FlowMatchEulerDiscreteScheduler.from_config(
                {**LIGHTNING, "num_train_timesteps": 1000, "invert_sigmas": False, "stochastic_sampling": False,
                 "use_beta_sigmas": False, "use_exponential_sigmas": False, "use_karras_sigmas": False})
            c = scheduler.config
            mu = calculate_shift(tokens, c.base_image_seq_len, c.max_image_seq_len, c.base_shift, c.max_shift)
            scheduler.set_timesteps(sigmas=np.linspace(1.0, 1 / steps, steps), mu=mu)
            tensors[f"sigmas.{steps}.{tokens}"], tensors[f"timesteps.{steps}.{tokens}"] = scheduler.sigmas, scheduler.timesteps
    common.golden("lora/lightning_schedule", "lightning_schedule", {"config": LIGHTNING}, tensors)


if __name__ == "__main__":
    common.run("lora", main)
