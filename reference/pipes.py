"""The three pipelines on one model folder, with the areas of its inkstone.json, and taps of their text encoder."""

import torch

import common


def load(model):
    """{"QwenImagePipeline": …, "QwenImageEditPlusPipeline": …, "QwenImageEditPipeline": …} in float32, sharing their parts."""
    import diffusers
    from diffusers.pipelines.qwenimage import pipeline_qwenimage_edit, pipeline_qwenimage_edit_plus

    plus = diffusers.QwenImageEditPlusPipeline.from_pretrained(model, dtype=torch.float32)
    parts = plus.components
    text_only = {k: v for k, v in parts.items() if k != "processor"}
    vae_area, condition_area = common.areas(model)
    pipeline_qwenimage_edit_plus.VAE_IMAGE_SIZE = vae_area
    pipeline_qwenimage_edit_plus.CONDITION_IMAGE_SIZE = condition_area
    # The first-generation pipeline has no constant: its __call__ passes the literal 1024 * 1024 to calculate_dimensions.
    original = getattr(pipeline_qwenimage_edit, "_original_calculate_dimensions", None)
    if original is None:
        original = pipeline_qwenimage_edit.calculate_dimensions
        pipeline_qwenimage_edit._original_calculate_dimensions = original
    pipeline_qwenimage_edit.calculate_dimensions = lambda _, ratio: original(vae_area, ratio)
    made = {
        "QwenImagePipeline": diffusers.QwenImagePipeline(**text_only),
        "QwenImageEditPlusPipeline": plus,
        "QwenImageEditPipeline": diffusers.QwenImageEditPipeline(**parts),
    }
    for pipe in made.values():
        pipe.set_progress_bar_config(disable=True)
    return made


def default_size(name, model, pictures):
    """The size that each pipeline takes when none is asked, from the folder's vae_image_area: (width, height)."""
    from diffusers.pipelines.qwenimage.pipeline_qwenimage_edit_plus import calculate_dimensions

    area, _ = common.areas(model)
    if name == "QwenImagePipeline":
        side = round(area**0.5) // 16 * 16
        return side, side
    image = pictures[-1] if name == "QwenImageEditPlusPipeline" else pictures[0]
    width, height = calculate_dimensions(area, image.size[0] / image.size[1])
    return width // 16 * 16, height // 16 * 16


class TextTaps:
    """Records the text encoder's inputs and module outputs of the calls made inside the `with`."""

    def __init__(self, text_encoder, layers=True):
        self.encoder, self.layers, self.calls, self.handles = text_encoder, layers, [], []

    def __enter__(self):
        def before(_, args, kwargs):
            self.calls.append({k: v for k, v in kwargs.items() if isinstance(v, torch.Tensor)})

        self.handles.append(self.encoder.register_forward_pre_hook(before, with_kwargs=True))

        def tap(module, key):
            def after(_, args, output):
                output = output[0] if isinstance(output, tuple) else output
                self.calls[-1][key] = output[0] if output.ndim == 3 else output

            self.handles.append(module.register_forward_hook(after))

        visual, language = self.encoder.model.visual, self.encoder.model.language_model
        tap(language.norm, "hidden")

        def merged(_, args, output):
            self.calls[-1]["image_embeds"] = output.pooler_output

        self.handles.append(visual.register_forward_hook(merged))
        if self.layers:
            for i, block in enumerate(visual.blocks):
                tap(block, f"visual.blocks.{i}")
            tap(visual.patch_embed, "visual.patch_embed")
            tap(visual.merger, "visual.merger")
            for i, layer in enumerate(language.layers):
                tap(layer, f"model.layers.{i}")
        return self

    def __exit__(self, *_):
        for handle in self.handles:
            handle.remove()
