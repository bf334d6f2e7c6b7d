"""golden/preprocess.safetensors: the model's Qwen2-VL image processor, and the VAE's picture to tensor and back."""

import torch
from PIL import Image

import common

CASES = {
    "wide_condition": ("examples/wide.png", (96, 96 - 32)),
    "small": ("reference/golden/pictures/small.png", None),
}
RESIZED_ONLY = {
    "scene96": ("examples/scene.png", (96, 96)),
    "night128": ("examples/night.png", None),
    "odd": ("reference/golden/pictures/odd.png", None),
    "tall": ("reference/golden/pictures/tall.png", None),
    "plate": ("reference/golden/pictures/plate.png", None),
    "day96": ("examples/day.png", (96, 96)),
}


def main():
    from diffusers.image_processor import VaeImageProcessor
    from torchvision.transforms.v2 import functional as tvf
    from transformers import Qwen2VLProcessor
    from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

    processor = Qwen2VLProcessor.from_pretrained(common.TINY / "processor")
    fast = processor.image_processor
    slow = Qwen2VLImageProcessorPil.from_pretrained(common.TINY / "processor")
    tensors, notes = {}, {}
    for name, (path, size) in {**CASES, **RESIZED_ONLY}.items():
        image = common.rgb(common.ROOT / path)
        if size:
            image = image.resize(size, resample=Image.LANCZOS)
        used = fast(image, return_tensors="pt")
        other = slow(image, return_tensors="pt")
        _, gh, gw = used["image_grid_thw"][0].tolist()
        if size:
            tensors[f"{name}.input"] = common.pixels(image)
        tensors[f"{name}.image_grid_thw"] = used["image_grid_thw"]
        resized = tvf.resize(tvf.pil_to_tensor(image), [gh * 14, gw * 14],
                             interpolation=tvf.InterpolationMode.BICUBIC, antialias=True)
        pil = common.pixels(image.resize((gw * 14, gh * 14), resample=Image.BICUBIC))
        tensors[f"{name}.resized"] = resized.permute(1, 2, 0)
        if name in CASES:
            tensors[f"{name}.resized_pil"] = pil
        differs = (resized.permute(1, 2, 0).int() - pil.int()).abs()
        notes[name] = {
            "picture": path, "lanczos_first": size,
            "resized_vs_pil_max": differs.max().item(), "resized_vs_pil_share": (differs > 0).float().mean().item(),
            "pixel_values_vs_pil_max": (used["pixel_values"] - other["pixel_values"]).abs().max().item(),
        }
        if name in CASES:
            tensors[f"{name}.pixel_values"] = used["pixel_values"]
    # All 256 levels through the processor's normalisation: [3, 256].
    ramp = torch.arange(256, dtype=torch.uint8).reshape(1, 16, 16).repeat(3, 1, 1)
    level = fast.rescale_and_normalize(ramp[None], True, fast.rescale_factor, True, fast.image_mean, fast.image_std)
    tensors["levels.normalized"] = level[0].reshape(3, 256)
    # The VAE side: uint8 -> [-1, 1], and decoded floats -> uint8 (halves go to even).
    vae = VaeImageProcessor(vae_scale_factor=16)
    picture = Image.fromarray(ramp.permute(1, 2, 0).numpy())
    tensors["levels.vae"] = vae.preprocess(picture, 16, 16)[0, 0].reshape(256)
    steps = torch.cat([torch.linspace(-1.2, 1.2, 2001), (torch.arange(0, 256) + 0.5) / 127.5 - 1])
    steps = torch.cat([steps, torch.zeros(-steps.numel() % 3)])
    tensors["to_image.input"] = steps
    shaped = steps.reshape(1, 3, 1, -1)
    array = vae.postprocess(shaped, output_type="pil")[0]
    tensors["to_image.output"] = common.pixels(array).permute(2, 0, 1).reshape(-1)
    request = {
        "processor_class": type(processor).__name__, "image_processor_class": type(fast).__name__,
        "backend": fast.backend, "cases": notes,
    }
    common.golden("preprocess", "preprocess", request, tensors)


if __name__ == "__main__":
    common.run("preprocess", main)
