"""golden/text/*: prompts and pictures through the processor, the vision tower and the decoder."""

import torch

import common
import pipes
import tiny_configs

UNICODE = "Füge „Ärger“ hinzu: 把背景改成蓝色，加上 ❤️🎨 e\u0301 — café №5 \u200d‍ تغيير\t\n  Ω≈ç√"
T2I, PLUS, EDIT = "QwenImagePipeline", "QwenImageEditPlusPipeline", "QwenImageEditPipeline"
SCENE, NIGHT, HEART, DAY, WIDE = (f"examples/{n}.png" for n in ("scene", "night", "heart", "day", "wide"))
PLATE, TALL, ODD, SMALL = (f"reference/golden/pictures/{n}.png" for n in ("plate", "tall", "odd", "small"))
COMBINE = "Put the heart of Picture 2 at the bottom right of Picture 1."

# name: (pipeline, prompt, pictures, level); level 2 = every tap and pixel_values, 0 = ids, pictures and prompt_embeds
CASES = {
    "t2i": (T2I, "A red circle at the top left and a blue star at the bottom right on a sky background.", [], 2),
    "t2i_blank": (T2I, " ", [], 0),
    "t2i_empty": (T2I, "", [], 0),
    "t2i_unicode": (T2I, UNICODE, [], 0),
    "t2i_braces": (T2I, "{} {0} <|im_end|> a<|image_pad|>b <|endoftext|>", [], 0),
    "t2i_long": (T2I, "A red circle and a blue star. " * 160, [], 0),
    "plus_1": (PLUS, "Change the background to navy.", [SCENE], 0),
    "plus_1_plate": (PLUS, "Remove the circle.", [PLATE], 2),
    "plus_1_tall": (PLUS, "Make the background grey.", [TALL], 0),
    "plus_1_blank": (PLUS, " ", [NIGHT], 0),
    "plus_1_unicode": (PLUS, UNICODE, [SMALL], 0),
    "plus_2": (PLUS, COMBINE, [NIGHT, HEART], 0),
    "plus_3": (PLUS, "Put Picture 2 and Picture 3 in Picture 1.", [WIDE, PLATE, TALL], 0),
    "edit_1": (EDIT, "Change the background to navy.", [SCENE], 0),
    "edit_1_plate": (EDIT, "Remove the circle.", [PLATE], 0),
    "edit_1_blank": (EDIT, " ", [ODD], 0),
}


def condition_images(name, model, images):
    """What the pipeline hands to the processor: LANCZOS to the condition area, or to the VAE area in the first generation."""
    from diffusers.image_processor import VaeImageProcessor
    from diffusers.pipelines.qwenimage.pipeline_qwenimage_edit_plus import calculate_dimensions

    area = common.areas(model)[0 if name == EDIT else 1]
    processor = VaeImageProcessor(vae_scale_factor=16)
    out = []
    for image in images:
        width, height = calculate_dimensions(area, image.size[0] / image.size[1])
        out.append(processor.resize(image, height, width))
    return out


def tiny():
    made = pipes.load(common.TINY)
    for case, (name, prompt, pictures, level) in CASES.items():
        pipe = made[name]
        images = condition_images(name, common.TINY, [common.rgb(common.ROOT / p) for p in pictures])
        kwargs = {"max_sequence_length": 512}
        if images:
            kwargs["image"] = images if name == PLUS else images[0]
        with pipes.TextTaps(pipe.text_encoder, level == 2) as taps:
            embeds, mask = pipe.encode_prompt(prompt=prompt, device="cpu", **kwargs)
        assert mask is None and len(taps.calls) == 1
        call = taps.calls[0]
        tensors = {"input_ids": call["input_ids"][0], "prompt_embeds": embeds[0]}
        if images:
            tensors["image_grid_thw"] = call["image_grid_thw"]
            tensors["image_embeds"] = call["image_embeds"]
            for i, image in enumerate(images):
                tensors[f"condition.{i}"] = common.pixels(image)
        if level == 2:
            if images:
                tensors["pixel_values"] = call["pixel_values"]
            tensors.update({k: v for k, v in call.items() if k.startswith(("model.", "visual.")) or k == "hidden"})
        if case == "t2i_long":  # cut to 512 rows: the last 16 tell as much
            assert embeds.shape[1] == 512
            tensors["prompt_embeds.tail"] = tensors.pop("prompt_embeds")[-16:]
        if case in ("plus_1", "plus_2"):
            # Not what the pipeline does (see README): the same call with the 3-D positions that the model was made for.
            kinds = (call["input_ids"] == pipe.text_encoder.config.image_token_id).int()
            out = pipe.text_encoder(**{k: call[k] for k in ("input_ids", "attention_mask", "pixel_values", "image_grid_thw")},
                                    mm_token_type_ids=kinds, output_hidden_states=True)
            pipe.text_encoder.model.rope_deltas = None
            tensors["mrope3d.prompt_embeds"] = out.hidden_states[-1][0, 64:]
        request = {"model": "models/tiny-qwen-image-edit", "pipeline": name, "prompt": prompt, "pictures": pictures,
                   "drop": pipe.prompt_template_encode_start_idx}
        common.golden(f"text/{case}", case, request, tensors)


def ids_for(grids, generator, merge=2):
    """Random ids with the pictures' pads between vision_start and vision_end, as a processor leaves them."""
    tokens = tiny_configs.TOKENS

    def words(n):
        return torch.randint(0, 98, (n,), generator=generator).tolist()

    out = words(9)
    for _, h, w in grids:
        out += [tokens["vision_start_token_id"]] + [tokens["image_token_id"]] * (h * w // merge**2)
        out += [tokens["vision_end_token_id"]] + words(4)
    return torch.tensor([out])


RANDOM = {
    # odd grids: not whole windows, one merged row, several pictures in one call
    "text-gqa": [("odd", [(1, 10, 14)]), ("two", [(1, 4, 6), (1, 2, 8)]), ("words", [])],
    "text-mqa": [("odd", [(1, 6, 10)]), ("words", [])],
    "text-flat": [("odd", [(1, 10, 6)]), ("three", [(1, 4, 6), (1, 2, 10), (1, 2, 2)])],
}


def random_configs():
    from transformers import Qwen2_5_VLForConditionalGeneration

    for k, (name, cases) in enumerate(RANDOM.items()):
        model = Qwen2_5_VLForConditionalGeneration.from_pretrained(common.MODELS / name, dtype=torch.float32).eval()
        patch = model.config.vision_config.patch_size
        for j, (case, grids) in enumerate(cases):
            seed = 700 + 10 * k + j
            generator = common.seeded(seed)
            inputs = {"input_ids": ids_for(grids, generator)}
            inputs["attention_mask"] = torch.ones_like(inputs["input_ids"])
            if grids:
                n = sum(h * w for _, h, w in grids)
                inputs["pixel_values"] = torch.randn(n, 3 * 2 * patch * patch, generator=generator)
                inputs["image_grid_thw"] = torch.tensor(grids)
            with pipes.TextTaps(model) as taps:
                out = model(**inputs, output_hidden_states=True)
            call = taps.calls[0]
            assert torch.equal(out.hidden_states[-1][0], call["hidden"])
            tensors = {k: v for k, v in call.items() if k.startswith(("model.", "visual.")) or k in ("hidden", "image_embeds")}
            tensors["input_ids"] = inputs["input_ids"][0]
            if grids:
                tensors["pixel_values"] = inputs["pixel_values"]
                tensors["image_grid_thw"] = inputs["image_grid_thw"]
                kinds = (inputs["input_ids"] == tiny_configs.TOKENS["image_token_id"]).int()
                positions, _ = model.model.get_rope_index(inputs["input_ids"], kinds, inputs["image_grid_thw"])
                tensors["mrope3d.position_ids"] = positions[:, 0]
                tensors["mrope3d.hidden"] = model(**inputs, mm_token_type_ids=kinds, output_hidden_states=True).hidden_states[-1][0]
                model.model.rope_deltas = None
            request = {"model": f"reference/golden/models/{name}", "grids": [list(g) for g in grids], "seed": seed}
            full = f"{name.replace('text-', '')}_{case}"
            common.golden(f"text/{full}", full, request, tensors, (seed,))


def main():
    tiny()
    random_configs()


if __name__ == "__main__":
    common.run("text_encoder", main)
