"""golden/vae/*: encode (mode) and decode, whole and tiled, on the tiny model and on random ones."""

import torch

import common
import tiny_configs
from pictures import draw


def load(name):
    from diffusers import AutoencoderKLQwenImage

    folder = common.TINY / "vae" if name == "tiny" else common.MODELS / name
    return AutoencoderKLQwenImage.from_pretrained(folder, torch_dtype=torch.float32).eval()


def last(x):
    """[1, C, 1, H, W] -> [H, W, C], the layout of the golden files."""
    return x[0, :, 0].permute(1, 2, 0)


def mode(vae, x):
    return vae.encode(x).latent_dist.mode()


def stats(vae):
    shape = (1, vae.config.z_dim, 1, 1, 1)
    return torch.tensor(vae.config.latents_mean).view(shape), torch.tensor(vae.config.latents_std).view(shape)


def taps(vae):
    """Hooks on every module that a Java stage has: {path: [H, W, C]}."""
    found, handles = {}, []
    kinds = ("QwenImageCausalConv3d", "QwenImageResidualBlock", "QwenImageAttentionBlock", "QwenImageResample",
             "QwenImageRMS_norm")

    def add(path, module):
        def after(_, args, output):
            if output.ndim == 5:
                found[path] = last(output)

        handles.append(module.register_forward_hook(after))

    for path, module in vae.named_modules():
        if type(module).__name__ in kinds and not any(
            part in path for part in (".conv1", ".conv2", ".norm1", ".norm2", ".conv_shortcut", "time_conv", ".norm.")
        ) and not path.endswith(".norm"):
            add(path, module)
    return found, handles


def case(name, vae, model, size, seed, encode=True, decode=True, tap=False, tiling=None, plain=False):
    width, height = size
    ratio = vae.spatial_compression_ratio
    if tiling:
        vae.enable_tiling(*tiling)
    found, handles = taps(vae) if tap else ({}, [])
    tensors = {}
    mean, std = stats(vae)
    picture = common.pixels(draw(seed, width, height))
    x = (picture.float() / 255 * 2 - 1).permute(2, 0, 1)[None, :, None]
    if encode:
        z = vae.quant_conv(vae.encoder(x)).chunk(2, dim=1)[0] if plain else mode(vae, x)
        tensors["rgb"] = picture
        tensors["encoded"] = last(z)
        tensors["normalized"] = last((z - mean) / std)
    if decode:
        if encode:
            z = z + 0.05 * torch.randn(z.shape, generator=common.seeded(seed + 1))
        else:
            z = torch.randn(1, vae.config.z_dim, 1, height // ratio, width // ratio, generator=common.seeded(seed + 1))
        tensors["latents"] = last(z)
        tensors["decoded"] = last(vae.decode(z, return_dict=False)[0])
    for handle in handles:
        handle.remove()
    tensors.update(found)
    request = {"model": model, "width": width, "height": height, "seed": seed, "tiling": None, "without_cache": plain}
    if tiling:
        request["tiling"] = dict(zip(("tile_height", "tile_width", "stride_height", "stride_width"), tiling))
    common.golden(f"vae/{name}", name, request, tensors, (seed, seed + 1))


def main():
    model = "models/tiny-qwen-image-edit/vae"
    case("tiny_taps", load("tiny"), model, (32, 16), 501, tap=True)
    for size in ((64, 64), (48, 80), (16, 112), (16, 16)):
        case(f"tiny_{size[0]}x{size[1]}", load("tiny"), model, size, 510 + size[0])
    case("tiny_wild", load("tiny"), model, (48, 48), 520, encode=False)
    # Tiles: exact cover, a short last tile, one direction only, no overlap left over, and tiling on but not needed.
    case("tiny_tiled_even", load("tiny"), model, (80, 64), 530, tiling=(48, 48, 32, 32))
    case("tiny_tiled_short", load("tiny"), model, (64, 80), 531, tiling=(48, 32, 32, 16))
    case("tiny_tiled_wide", load("tiny"), model, (144, 32), 532, tiling=(48, 48, 32, 32))
    case("tiny_tiled_sliver", load("tiny"), model, (80, 80), 533, tiling=(64, 48, 32, 32))
    case("tiny_tiled_small", load("tiny"), model, (48, 48), 534, tiling=(48, 48, 32, 32))
    folder = "reference/golden/models"
    for i, name in enumerate(tiny_configs.VAE):
        plain = name == "vae-attention"
        short = name.replace("vae-", "")
        vae = load(name)
        if plain:
            try:
                mode(vae, torch.zeros(1, 3, 1, 16, 16))
                raise AssertionError("diffusers now encodes with attn_scales: make this golden the plain way")
            except TypeError:
                pass
        case(f"{short}_taps", vae, f"{folder}/{name}", (32, 16), 540 + 4 * i, tap=True, plain=plain)
        case(f"{short}_64x48", vae, f"{folder}/{name}", (64, 48), 542 + 4 * i, plain=plain)
    case("full_taps", load("full/vae"), f"{folder}/full/vae", (32, 16), 576, tap=True)
    case("full_64x48", load("full/vae"), f"{folder}/full/vae", (64, 48), 578)
    case("full_tiled", load("full/vae"), f"{folder}/full/vae", (96, 80), 580, tiling=(48, 48, 32, 32))
    # The 4x VAE: one latent pixel is 4 pixels, so tiles are counted by its own ratio.
    case("short_tiled", load("vae-short"), f"{folder}/vae-short", (72, 56), 582, tiling=(32, 40, 24, 24))


if __name__ == "__main__":
    common.run("vae", main)
