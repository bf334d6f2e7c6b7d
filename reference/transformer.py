"""golden/dit/*: QwenImageTransformer2DModel, with and without references, on the tiny model and on random ones."""

import torch

import common
import tiny_configs


def load(name):
    from diffusers import QwenImageTransformer2DModel

    folder = common.TINY / "transformer" if name == "tiny" else common.MODELS / name
    return QwenImageTransformer2DModel.from_pretrained(folder, torch_dtype=torch.float32).eval()


def taps(model):
    found, handles = {}, []

    def tap(module, key):
        def after(_, args, output):
            if isinstance(output, tuple):  # a block gives (text, image)
                found[f"{key}.txt"], found[key] = output[0][0], output[1][0]
            else:
                found[key] = output if key == "time_text_embed" else output[0]

        handles.append(module.register_forward_hook(after))

    for key in ("time_text_embed", "img_in", "txt_in", "norm_out", "proj_out"):
        tap(getattr(model, key), key)
    for i, block in enumerate(model.transformer_blocks):
        tap(block, f"transformer_blocks.{i}")
    return found, handles


def rope(model, grids, text_tokens):
    """cos and sin in the joint order (text, target, references), and the position at which the text starts."""
    image, text = model.pos_embed([[(1, h, w) for h, w in grids]], max_txt_seq_len=text_tokens, device=torch.device("cpu"))
    joint = torch.cat([text, image])
    return {
        "pos_embed.cos": joint.real, "pos_embed.sin": joint.imag,
        "pos_embed.text_offset": torch.tensor([max(max(h // 2, w // 2) for h, w in grids)]),
    }


def case(name, model, where, grids, text_tokens, timestep, seed, tap=False, position=False, additional=None):
    """grids: (rows, columns) of packed tokens, the target first."""
    config = model.config
    generator = common.seeded(seed)
    tokens = sum(h * w for h, w in grids)
    image = torch.randn(1, tokens, config.in_channels, generator=generator)
    text = torch.randn(1, text_tokens, config.joint_attention_dim, generator=generator)
    found, handles = taps(model) if tap else ({}, [])
    kwargs = {}
    if config.use_additional_t_cond:
        kwargs["additional_t_cond"] = torch.tensor([additional])
    out = model(
        hidden_states=image, encoder_hidden_states=text, encoder_hidden_states_mask=None,
        timestep=torch.tensor([timestep], dtype=torch.float32), img_shapes=[[(1, h, w) for h, w in grids]],
        return_dict=False, **kwargs)[0]
    for handle in handles:
        handle.remove()
    target = grids[0][0] * grids[0][1]
    tensors = {
        "image_tokens": image[0], "text": text[0], "timestep": torch.tensor([timestep], dtype=torch.float32),
        "output": out[0, :target], **found,
    }
    if tap or position:
        tensors.update(rope(model, grids, text_tokens))
    request = {"model": where, "grids": [list(g) for g in grids], "text_tokens": text_tokens, "timestep": timestep,
               "additional_t_cond": additional, "seed": seed}
    common.golden(f"dit/{name}", name, request, tensors, (seed,))


def main():
    tiny, where = load("tiny"), "models/tiny-qwen-image-edit/transformer"
    case("tiny_0", tiny, where, [(8, 8)], 21, 0.7666, 601)
    case("tiny_0_first", tiny, where, [(4, 6)], 9, 1.0, 602)
    case("tiny_0_last", tiny, where, [(6, 4)], 9, 0.02, 603)
    case("tiny_0_odd", tiny, where, [(5, 7)], 1, 0.4556, 604, position=True)
    case("tiny_0_row", tiny, where, [(1, 9)], 5, 0.3, 605)
    case("tiny_0_one", tiny, where, [(1, 1)], 3, 0.5, 606)
    case("tiny_1_taps", tiny, where, [(3, 4), (4, 2)], 7, 0.6, 607, tap=True)
    case("tiny_1", tiny, where, [(8, 8), (8, 8)], 43, 0.9, 608)
    case("tiny_1_larger", tiny, where, [(4, 4), (6, 14)], 12, 0.25, 609, position=True)
    case("tiny_2", tiny, where, [(6, 10), (8, 8), (4, 16)], 33, 0.5, 610)
    case("tiny_3", tiny, where, [(5, 6), (3, 7), (8, 4), (1, 5)], 28, 0.8, 611, position=True)
    case("tiny_0_zero", tiny, where, [(4, 4)], 6, 0.0, 612)
    folder = "reference/golden/models"
    for i, name in enumerate([*tiny_configs.DIT, "full/transformer"]):
        model = load(name)
        short = name.replace("dit-", "").replace("/transformer", "")
        seed = 620 + 10 * i
        more = model.config.use_additional_t_cond
        grids = ([(5, 4)], [(3, 5), (6, 7)], [(4, 4), (2, 6), (3, 3)], [(3, 3), (2, 2), (5, 3), (1, 4)])
        for j, g in enumerate(grids):
            case(f"{short}_{j}", model, f"{folder}/{name}", g, (11, 7, 19, 4)[j], (0.93, 0.41, 0.7, 0.05)[j], seed + j,
                 tap=j == 1, additional=j % 2 if more else None)


if __name__ == "__main__":
    common.run("transformer", main)
