"""golden/kv/*: runs and single forwards with the reference-image KV cache of kv_twin, checked before they are written.

What has to hold whatever the model, or nothing is written:
- every=1 and groups=1 give the bits of the unpatched pipeline, and so does the first step of every policy but causal;
- running only some rows gives what running all of them gives, with the store put in place of the references' keys and values;
- a second step with the first one's own target and time gives the first one's output;
- each CFG branch keeps its own rows;
- each reference alone at t = 0, then text and target rows, gives what the whole sequence under the causal mask gives.
"""

import torch

import common
import kv_twin
import pipeline
import pipes
import transformer
from kv_twin import RefCache
from pipeline import COMBINE, HEART, NAVY, NIGHT, PLATE, PLUS, SCENE

PUBLISHED = RefCache("anchored", warmup=1)
CAUSAL = RefCache("causal")


def relative(a, b):
    """Relative L2 distance of a from b."""
    a, b = a.double(), b.double()
    return ((a - b).norm() / b.norm()).item()


def same(what, a, b, limit):
    """Fails when a is further from b than `limit` (0: any bit), or NaN."""
    distance = 0.0 if torch.equal(a, b) else relative(a, b)
    if not (distance <= limit and (limit > 0 or torch.equal(a, b))):
        raise ValueError(f"{what}: relative difference {distance:.3g}, expected at most {limit:g}")


# ---------------------------------------------------------------- one forward

def inputs(model, grids, text_tokens, seed, additional=None):
    """(call, target tokens, tokens, text): `call(image, timestep)` gives the rows that the model gives."""
    config, generator = model.config, common.seeded(seed)
    tokens = sum(h * w for h, w in grids)
    image = torch.randn(1, tokens, config.in_channels, generator=generator)
    text = torch.randn(1, text_tokens, config.joint_attention_dim, generator=generator)
    more = {"additional_t_cond": torch.tensor([additional])} if config.use_additional_t_cond else {}
    target = grids[0][0] * grids[0][1]
    later = torch.randn(1, target, config.in_channels, generator=generator)

    def call(tokens, timestep):
        return model(
            hidden_states=tokens, encoder_hidden_states=text, encoder_hidden_states_mask=None,
            timestep=torch.tensor([timestep], dtype=torch.float32), img_shapes=[[(1, h, w) for h, w in grids]],
            return_dict=False, **more)[0][0, :target]

    return call, target, image, torch.cat([later, image[:, target:]], dim=1), text


def kept(twin, prefix="", layers=None):
    """The store's rows as `transformer_blocks.{i}.attn.key` and `.value`, [reference rows, heads * head_dim]."""
    store, found = twin.stores["cond"], {}
    for i in layers or sorted(store.keys):
        found[f"{prefix}transformer_blocks.{i}.attn.key"] = store.keys[i][0].flatten(1)
        found[f"{prefix}transformer_blocks.{i}.attn.value"] = store.values[i][0].flatten(1)
    return found


def steps(model, policy, calls, gather=True):
    """The outputs of successive forwards under a policy, and the twin with what it keeps after them."""
    with kv_twin.Twin(model, policy, gather) as twin:
        return [call(image, t) for call, image, t in calls], twin


def forwards(name, model, where, grids, text_tokens, timesteps, seed, groups=3, additional=None, layers=None):
    """A full forward, then one with other target tokens at another time.

    That one is run with no reference row, with every third one, with all of them outside some blocks, and without the cache.
    """
    call, target, first, second, text = inputs(model, grids, text_tokens, seed, additional)
    blocks = len(model.transformer_blocks)
    rolling, some = RefCache("rolling", groups=groups), RefCache("anchored", layers=(blocks // 3, max(blocks - 3, 0)))
    plain = call(first, timesteps[0])
    uncached = call(second, timesteps[1])
    calls = [(call, first, timesteps[0]), (call, second, timesteps[1])]
    poisoned = torch.cat([second[:, :target], torch.full_like(second[:, target:], torch.nan)], dim=1)
    (full, cached), twin = steps(model, PUBLISHED, [calls[0], (call, poisoned, timesteps[1])])
    (_, partial), rolled = steps(model, rolling, calls)
    (_, outside), _ = steps(model, some, calls)
    same(f"{name}: full forward", full, plain, 0)
    for policy, output in ((PUBLISHED, cached), (rolling, partial), (some, outside)):
        same(f"{name}: {policy.policy} by substitution", output, steps(model, policy, calls, gather=False)[0][1], 1e-5)
        same(f"{name}: {policy} twice", steps(model, policy, [calls[0], calls[0]])[0][1], full, 1e-5)
    if model.config.zero_cond_t:
        # Layer 0 of the references depends on nothing that changes between steps.
        _, fresh = steps(model, RefCache("off"), [calls[1]])
        key = "transformer_blocks.0.attn.key"
        same(f"{name}: layer 0", kept(twin)[key], kept(fresh)[key], 0)
    if model.config.zero_cond_t and blocks == 1:
        same(f"{name}: one block", cached, uncached, 1e-5)
    tensors = {
        "text": text[0], "full.image_tokens": first[0], "full.timestep": torch.tensor([timesteps[0]]), "full.output": full,
        "cached.target_tokens": second[0, :target], "cached.timestep": torch.tensor([timesteps[1]]),
        "cached.output": cached, "partial.output": partial, "layers.output": outside, "uncached.output": uncached,
        **kept(twin, layers=layers), **kept(rolled, "partial.", layers),
    }
    references = len(first[0]) - target
    request = {"model": where, "grids": [list(g) for g in grids], "text_tokens": text_tokens, "timesteps": timesteps,
               "additional_t_cond": additional, "seed": seed, "partial": rolling.record(),
               "partial_rows": rolling.computed(1, 0, references).tolist(), "layers": some.record()}
    common.golden(f"kv/dit_{name}", f"dit_{name}", request, tensors, (seed,))


def causal(name, model, where, grids, text_tokens, timestep, seed, layers=None):
    call, target, image, _, text = inputs(model, grids, text_tokens, seed)
    bidirectional = call(image, timestep)
    (masked,), _ = steps(model, RefCache("causal_full"), [(call, image, timestep)])
    (cached,), twin = steps(model, CAUSAL, [(call, image, timestep)])
    same(f"{name}: prefill and cached", cached, masked, 1e-5)
    tensors = {"text": text[0], "image_tokens": image[0], "timestep": torch.tensor([timestep]), "output": masked,
               "bidirectional.output": bidirectional, **kept(twin, layers=layers)}
    request = {"model": where, "grids": [list(g) for g in grids], "text_tokens": text_tokens, "timestep": timestep,
               "seed": seed, "ref_cache": CAUSAL.record()}
    common.golden(f"kv/dit_{name}", f"dit_{name}", request, tensors, (seed,))


def make_forwards():
    folder = "reference/golden/models"
    tiny, where = transformer.load("tiny"), "models/tiny-qwen-image-edit/transformer"
    h32, h64, z4 = (transformer.load(f"dit-{n}") for n in ("h32", "h64", "z4"))
    # The second reference is larger than the target: the text's positions start at its side.
    forwards("h32", h32, f"{folder}/dit-h32", [(3, 4), (2, 3), (4, 6)], 7, (0.93, 0.41), 851)
    forwards("h64", h64, f"{folder}/dit-h64", [(3, 4), (2, 3), (4, 6)], 7, (0.93, 0.41), 852)
    forwards("z4", z4, f"{folder}/dit-z4", [(4, 3), (5, 7)], 5, (0.8, 0.65), 853, additional=1)
    forwards("tiny", tiny, where, [(3, 4), (2, 3), (2, 9)], 9, (1.0, 0.7666), 854, layers=(5,))
    causal("causal_h32", h32, f"{folder}/dit-h32", [(3, 4), (2, 3), (4, 6)], 7, 0.41, 861)
    causal("causal_tiny", tiny, where, [(3, 4), (2, 3), (2, 9)], 9, 0.7666, 862, layers=(5,))


# ---------------------------------------------------------------- whole runs

def cases():
    """name: (request without the policy, policy)."""
    tiny, full = common.TINY, common.MODELS / "full"

    def t(*args):
        return pipeline.request(tiny, PLUS, *args)

    one, blue = t(NAVY, [SCENE], None, 4, 1.0, 7), "Make the red circle blue."
    two = t(COMBINE, [PLATE, HEART], (128, 96), 4, 4.0, 31, " ")
    return {
        "anchored_1_4": (one, PUBLISHED),
        "anchored_1_8_warmup2": (t(blue, [SCENE], None, 8, 1.0, 801), RefCache("anchored", warmup=2)),
        "anchored_1_8_every4": (t(blue, [SCENE], None, 8, 1.0, 802), RefCache("anchored", every=4)),
        # Full in steps 0, 1, 4 and 7. The reference is larger than the target.
        "anchored_1_8_warmup2_every3": (t(NAVY, [NIGHT], (64, 48), 8, 1.0, 803), RefCache("anchored", warmup=2, every=3)),
        "anchored_2_cfg_4": (two, PUBLISHED),
        "anchored_1_layers_4": (one, RefCache("anchored", layers=(2, 4))),
        # Two blocks with all rows after the cached ones: with one and zero_cond_t, the state kept gives the stored rows again.
        "anchored_1_layers_every4_8": (t(blue, [NIGHT], (64, 48), 8, 1.0, 808),
                                       RefCache("anchored", every=4, layers=(2, 3))),
        "rolling_1_8": (t("Remove the circle.", [PLATE], None, 8, 1.0, 804), RefCache("rolling", groups=4)),
        "rolling_2_cfg_6": (t(COMBINE, [NIGHT, HEART], (96, 96), 6, 4.0, 805, "blurry"),
                            RefCache("rolling", warmup=2, groups=3)),
        "causal_2_4": (t(COMBINE, [PLATE, HEART], (96, 80), 4, 1.0, 806), CAUSAL),
        # zero_cond_t off: the references see t itself.
        "anchored_full_1_4": (pipeline.request(full, PLUS, NAVY, [PLATE], None, 4, 1.0, 807), PUBLISHED),
    }


def whole(pipe, asked, policy=None, gather=True):
    """The record of one run, with `image` and `latents`; unpatched without a policy."""
    record = {}
    if policy is None:
        record["image"] = pipeline.run(pipe, asked["model"], asked, record)
    else:
        with kv_twin.Twin(pipe.transformer, policy, gather) as twin:
            record["image"] = pipeline.run(pipe, asked["model"], asked, record)
        branches = {"cond", "uncond"} if "negative_prompt_embeds" in record else {"cond"}
        assert {k: v.steps for k, v in twin.stores.items()} == dict.fromkeys(branches, asked["steps"])
    record["latents"] = record[f"step.{asked['steps'] - 1}.latents"]
    return record


WITH_STEPS = "anchored_1_4"


def make_runs():
    last, pipe = None, None
    for name, (asked, policy) in cases().items():
        if asked["model"] != last:
            last = asked["model"]
            pipe = pipes.load(common.ROOT / last)[PLUS]
        off, record = whole(pipe, asked), whole(pipe, asked, policy)
        if policy.policy != "causal":
            same(f"{name}: first step", record["step.0.latents"], off["step.0.latents"], 0)
            for exact in (RefCache("anchored", every=1), RefCache("rolling", groups=1)):
                again = whole(pipe, asked, exact)
                same(f"{name}: {exact}", again["latents"], off["latents"], 0)
                same(f"{name}: picture of {exact}", again["image"], off["image"], 0)
        else:
            same(f"{name}: under the mask", record["latents"], whole(pipe, asked, RefCache("causal_full"))["latents"], 1e-4)
        same(f"{name}: by substitution", record["latents"], whole(pipe, asked, policy, gather=False)["latents"], 1e-4)
        levels = (record["image"].double() - off["image"].double()).abs()
        tensors = {
            "image": record["image"], "latents": record["latents"],
            "drift.latents": torch.tensor([relative(record["latents"], off["latents"])], dtype=torch.float64),
            "drift.image": torch.stack([levels.max(), levels.mean()]),
        }
        if name == WITH_STEPS:
            tensors.update({k: v for k, v in record.items() if k.startswith("step.")})
            tensors.update({k: record[k] for k in ("noise", "reference_latents", "prompt_embeds")})
        request = {**asked, "ref_cache": policy.record(), "cfg_used": "negative_prompt_embeds" in record}
        common.golden(f"kv/{name}", name, request, tensors, (asked["seed"],))
        print(f"{name}: latents {tensors['drift.latents'].item():.4g} from those without the cache, "
              f"picture {levels.max():.0f} of 255 at most, {levels.mean():.3g} on average")


def main():
    make_forwards()
    make_runs()


if __name__ == "__main__":
    common.run("kv_cache", main)
