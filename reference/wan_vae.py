"""golden/wan_vae_names.json: each name of the VAE in Wan's own spelling, with the one that diffusers gives it.

    python reference/make_golden.py wan_vae

Wan's names are made here from the structure of its Encoder3d and Decoder3d (flat lists of residual blocks and resamplings, as the
published files have them); diffusers' convert_wan_vae_to_diffusers turns them. The script fails unless what comes out is exactly the
state dict of an AutoencoderKLQwenImage of the published config.
"""

import json

from diffusers import AutoencoderKLQwenImage
from diffusers.loaders.single_file_utils import convert_wan_vae_to_diffusers

import common

DIM_MULT = (1, 2, 4, 4)
RES_BLOCKS = 2
TEMPORAL = (False, True, True)


def _conv(name):
    return [f"{name}.weight", f"{name}.bias"]


def _residual(name, shortcut):
    names = [f"{name}.residual.0.gamma", f"{name}.residual.3.gamma"]
    names += _conv(f"{name}.residual.2") + _conv(f"{name}.residual.6")
    return names + (_conv(f"{name}.shortcut") if shortcut else [])


def _resample(name, temporal):
    return _conv(f"{name}.resample.1") + (_conv(f"{name}.time_conv") if temporal else [])


def _half(half):
    names = _conv(f"{half}.conv1") + [f"{half}.head.0.gamma"] + _conv(f"{half}.head.2")
    names += _residual(f"{half}.middle.0", False) + _residual(f"{half}.middle.2", False)
    names += [f"{half}.middle.1.norm.gamma"] + _conv(f"{half}.middle.1.to_qkv") + _conv(f"{half}.middle.1.proj")
    return names


def encoder():
    names, at = _half("encoder"), 0
    widths = (1, *DIM_MULT)
    for stage in range(len(DIM_MULT)):
        for block in range(RES_BLOCKS):
            names += _residual(f"encoder.downsamples.{at}", block == 0 and widths[stage] != widths[stage + 1])
            at += 1
        if stage < len(DIM_MULT) - 1:
            names += _resample(f"encoder.downsamples.{at}", TEMPORAL[stage])
            at += 1
    return names


def decoder():
    names, at = _half("decoder"), 0
    widths = (DIM_MULT[-1], *reversed(DIM_MULT))
    for stage in range(len(DIM_MULT)):
        # An upsampling halves the width that the next stage gets.
        width = widths[stage] / (2 if stage else 1)
        for block in range(RES_BLOCKS + 1):
            names += _residual(f"decoder.upsamples.{at}", block == 0 and width != widths[stage + 1])
            at += 1
        if stage < len(DIM_MULT) - 1:
            names += _resample(f"decoder.upsamples.{at}", tuple(reversed(TEMPORAL))[stage])
            at += 1
    return names


def main():
    wan = encoder() + decoder() + _conv("conv1") + _conv("conv2")
    # The converter carries values along: here each value is the name it came with.
    turned = convert_wan_vae_to_diffusers({name: name for name in wan})
    expected = AutoencoderKLQwenImage().state_dict().keys()
    if set(turned) != set(expected) or len(turned) != len(wan):
        raise ValueError(f"not the VAE's names: {sorted(set(turned) ^ set(expected))}")
    names = {stored: name for name, stored in turned.items()}
    path = common.GOLDEN / "wan_vae_names.json"
    path.write_text(json.dumps(names, indent=0, sort_keys=True) + "\n", "utf-8")
    common.wrote(path)
