"""The VAE: AutoencoderKLQwenImage whose encoder gives the latents of latents.py and whose decoder draws pictures from them.

Encoder and decoder are two plain regressions that know nothing of each other, so they can be trained side by side. One frame passes
through the last tap of a causal 3-D kernel alone; training is on these taps, and the others stay zero.
"""

import random

import numpy as np
import torch
import torch.nn.functional as F
from diffusers.models.autoencoders import autoencoder_kl_qwenimage as reference

import run
import world
from muon import fast_dtype

CROP = 64  # pixels; the convolutions do not see farther
JITTER = 0.04  # noise on the decoder's input, in latent units: the transformer's latents are not exact either
RATE = 0.02


def build(latent_space):
    return reference.AutoencoderKLQwenImage(
        base_dim=16,
        z_dim=16,
        dim_mult=[1, 2, 4, 4],
        num_res_blocks=2,
        attn_scales=[],
        temperal_downsample=[False, True, True],
        latents_mean=[round(float(v), 6) for v in latent_space.vae_mean],
        latents_std=[round(float(v), 6) for v in latent_space.vae_std],
    )


def flatten(vae):
    """Makes every causal convolution a 2-D one over a parameter `tap` (the last one in time), the branches of residual blocks silent."""
    for name, module in vae.named_modules():
        if isinstance(module, reference.QwenImageCausalConv3d) and "time_conv" not in name:
            fan = module.kernel_size[0] ** 0.5  # the stock start divides by taps that one frame never meets
            module.tap = torch.nn.Parameter((module.weight.detach()[:, :, -1] * fan).contiguous(memory_format=torch.channels_last))
            module.weight.requires_grad_(False).zero_()

            def forward(x, cache_x=None, m=module):
                return F.conv2d(x.squeeze(2), m.tap, m.bias, m.stride[1:], padding=(m._padding[2], m._padding[0])).unsqueeze(2)

            module.forward = forward
    for module in vae.modules():
        if isinstance(module, reference.QwenImageResidualBlock):
            torch.nn.init.zeros_(module.conv2.tap)
            torch.nn.init.zeros_(module.conv2.bias)
        if isinstance(module, reference.QwenImageAttentionBlock):
            torch.nn.init.zeros_(module.proj.weight)
            torch.nn.init.zeros_(module.proj.bias)
    return vae


def unflatten(state):
    """The state of the stock class from that of a flattened one."""
    out = {k: v.clone() for k, v in state.items() if not k.endswith(".tap")}
    for key, tap in state.items():
        if key.endswith(".tap"):
            out[key[: -len("tap")] + "weight"][:, :, -1] = tap
    return out


def encode(vae, x):
    """Pictures [n, 3, h, w] in [-1, 1] to raw latents (the mean of the posterior)."""
    vae.clear_cache()
    h = vae.encoder(x.unsqueeze(2), feat_cache=vae._enc_feat_map, feat_idx=[0])
    return vae.quant_conv(h)[:, :16, 0]


def decode(vae, z):
    """Raw latents to pictures, not clamped."""
    vae.clear_cache()
    return vae.decoder(vae.post_quant_conv(z.unsqueeze(2)), feat_cache=vae._feat_map, feat_idx=[0])[:, :, 0]


def _decoder_loss(y, x):
    d = y.float() - x
    edges = (d[..., 1:] - d[..., :-1]).abs().mean() + (d[..., 1:, :] - d[..., :-1, :]).abs().mean()
    return d.abs().mean() + 4 * d.square().mean() + F.avg_pool2d(d, 8).abs().mean() + edges, d.clamp(-2, 2).square().mean() / 4


def _encoder_loss(z, expected):
    d = z.float() - expected
    return 4 * d.square().mean() + d.abs().mean(), d.square().mean()


def train(half, latent_space, steps, work=run.WORK, batch=16, seed=21):
    """Trains "encoder" or "decoder" for `steps` steps, from its last checkpoint on; the result is that checkpoint."""
    device = run.device()
    torch.manual_seed(seed)
    vae = flatten(build(latent_space)).to(device)
    parts = {"encoder": ("encoder", "quant_conv"), "decoder": ("decoder", "post_quant_conv")}[half]
    named = [(n, p) for n, p in vae.named_parameters() if n.startswith(parts) and p.requires_grad and "time_conv" not in n]
    is_matrix = lambda n, p: p.ndim == 4 and p.shape[0] > 3  # noqa: E731
    training = run.Run(work, f"vae-{half}", vae, named, is_matrix, (RATE, RATE / 10), (0.9, 0.95), warm=50, fall=0.7, decay=0.998)
    scenes = random.Random(seed)
    pictures = np.stack([world.render(world.draw_scene(scenes, scenes.choice((1, 2, 3, 4)))) for _ in range(4000)])
    latents = latent_space.encode(pictures)
    mean = torch.from_numpy(latent_space.vae_mean).view(1, -1, 1, 1)
    std = torch.from_numpy(latent_space.vae_std).view(1, -1, 1, 1)
    mean, std, recent = mean.to(device), std.to(device), []
    for step in training.steps(steps):
        rng = np.random.default_rng((seed, step))
        pick = rng.integers(len(pictures), size=batch)
        y, x = rng.integers((world.SIZE - CROP) // 8 + 1, size=2)
        crop = pictures[pick, y * 8 : y * 8 + CROP, x * 8 : x * 8 + CROP]
        rgb = torch.from_numpy(crop).to(device).permute(0, 3, 1, 2).float() / 127.5 - 1  # channels last in memory
        z = latents[pick, :, y : y + CROP // 8, x : x + CROP // 8].to(device)
        with torch.autocast(device, dtype=torch.bfloat16, enabled=fast_dtype(device) == torch.bfloat16):
            if half == "decoder":
                noise = torch.from_numpy(rng.standard_normal(z.shape, np.float32)).to(device)
                out, wanted = decode(vae, (z + JITTER * noise) * std + mean), rgb
            else:
                out, wanted = (encode(vae, rgb) - mean) / std, z
        loss, error = (_decoder_loss if half == "decoder" else _encoder_loss)(out, wanted)
        training.advance(loss, clip=1.0)
        recent.append(error.item())
        if training.due(200):
            value = float(np.mean(recent[-200:]))
            training.log(**({"psnr": -10 * float(np.log10(value))} if half == "decoder" else {"rmse": value**0.5}))


def assemble(latent_space, work=run.WORK):
    """The stock class with the averaged weights of both halves."""
    vae = flatten(build(latent_space))
    weights = vae.state_dict()
    for half in ("encoder", "decoder"):
        weights.update(run.averages(work, f"vae-{half}", "vae"))
    whole = build(latent_space)
    whole.load_state_dict(unflatten(weights))
    return whole.eval()


@torch.no_grad()
def round_trip(vae, count=64):
    """Mean PSNR in dB of decode(encode(picture)) over held-out pictures."""
    pictures = [world.render(s.target) for s in world.evaluation("recolor", count)]
    values = []
    for picture in pictures:
        x = torch.from_numpy(picture).permute(2, 0, 1)[None, :, None].float() / 127.5 - 1
        y = vae.decode(vae.encode(x).latent_dist.mode()).sample.clamp(-1, 1)
        values.append(-10 * torch.log10((y - x).square().mean() / 4).item())
    return float(np.mean(values))
