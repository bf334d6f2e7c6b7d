"""golden/e2e/*: whole runs of the three pipelines, with the dump points of the parity notes."""

import torch

import common
import pipes

T2I, PLUS, EDIT = "QwenImagePipeline", "QwenImageEditPlusPipeline", "QwenImageEditPipeline"
SCENE, NIGHT, HEART, DAY, WIDE = (f"examples/{n}.png" for n in ("scene", "night", "heart", "day", "wide"))
PLATE, TALL, ODD, SMALL = (f"reference/golden/pictures/{n}.png" for n in ("plate", "tall", "odd", "small"))
NAVY, COMBINE = "Change the background to navy.", "Put the heart of Picture 2 at the bottom right of Picture 1."
RED = "A red circle at the top left and a blue star at the bottom right on a sky background."
OPEN_END = {"shift_terminal": None}  # one step from sigma 1 is NaN with a terminal: see README


def load_pictures(paths):
    return [common.rgb(common.ROOT / p) for p in paths]


def run(pipe, model, request, record=None):
    """One run of a pipeline for a request record; `record`, a dict, gets the dump points. Returns uint8 [H, W, 3]."""
    name = type(pipe).__name__
    images = load_pictures(request["pictures"])
    scheduler = pipe.scheduler
    if request.get("scheduler"):
        pipe.scheduler = type(scheduler).from_config(scheduler.config, **request["scheduler"])
    if request.get("vae_tiling"):
        pipe.vae.enable_tiling()
    undo, calls, step = [], [], [0]

    def wrap(owner, method, after):
        original = getattr(owner, method)

        def wrapper(*args, **kwargs):
            out = original(*args, **kwargs)
            after(out, *args, **kwargs)
            return out

        setattr(owner, method, wrapper)
        undo.append(lambda: delattr(owner, method))

    if record is not None:
        prompts = []

        def encoded(out, *args, **kwargs):
            key = ("", "negative_")[len(prompts)]
            prompts.append(key)
            record[f"{key}prompt_embeds"] = out[0][0]
            assert out[1] is None

        def prepared(out, *args, **kwargs):
            if name == T2I:
                record["noise"] = out[0]
            else:
                record["noise"], record["reference_latents"] = out[0][0], out[1][0]

        def predicted(out, *args, **kwargs):
            calls.append(out[0][0, : record["noise"].shape[0]])

        def stepped(out, noise_pred, t, latents, **kwargs):
            i = step[0]
            record[f"step.{i}.noise_pred"] = calls[0]
            if len(calls) == 2:
                record[f"step.{i}.negative_noise_pred"] = calls[1]
                record[f"step.{i}.combined_noise_pred"] = noise_pred[0]
            record[f"step.{i}.latents"] = out[0][0]
            calls.clear()
            step[0] += 1

        def decoded(out, latents, **kwargs):
            record["denormalized_latents"] = latents[0, :, 0].permute(1, 2, 0)
            record["decoded"] = out[0][0, :, 0].permute(1, 2, 0)

        wrap(pipe, "encode_prompt", encoded)
        wrap(pipe, "prepare_latents", prepared)
        wrap(pipe.transformer, "forward", predicted)
        wrap(pipe.scheduler, "step", stepped)
        wrap(pipe.vae, "decode", decoded)
        if images:
            sizes = []

            def resized(out, image, height, width, **kwargs):
                sizes.append(common.pixels(out))

            wrap(pipe.image_processor, "resize", resized)
    kwargs = {"image": images if name == PLUS else images[0]} if images else {}
    taps = pipes.TextTaps(pipe.text_encoder, layers=False)
    with taps:
        image = pipe(
            prompt=request["prompt"], negative_prompt=request["negative_prompt"], width=request["width"],
            height=request["height"], num_inference_steps=request["steps"], true_cfg_scale=request["cfg"],
            sigmas=request.get("sigmas"), generator=common.seeded(request["seed"]), **kwargs).images[0]
    for back in undo:
        back()
    if record is not None:
        for key, call in zip(("", "negative_"), taps.calls):
            record[f"{key}input_ids"] = call["input_ids"][0]
            if images:
                record["image_grid_thw"] = call["image_grid_thw"]
                record["pixel_values"] = call["pixel_values"]
                record["image_embeds"] = call["image_embeds"]
        for i in range(len(images)):
            # Edit-Plus: condition, then VAE, picture by picture. First generation: one for both, resized again to itself.
            record[f"condition.{i}"] = sizes[2 * i]
            record[f"vae_input.{i}"] = sizes[2 * i + 1]
        record["sigmas"], record["timesteps"] = pipe.scheduler.sigmas, pipe.scheduler.timesteps
        c = pipe.scheduler.config
        from diffusers.pipelines.qwenimage.pipeline_qwenimage import calculate_shift

        mu = calculate_shift(record["noise"].shape[0], c.get("base_image_seq_len", 256), c.get("max_image_seq_len", 4096),
                             c.get("base_shift", 0.5), c.get("max_shift", 1.15))
        record["mu"] = torch.tensor([mu], dtype=torch.float64)
    if request.get("vae_tiling"):
        pipe.vae.use_tiling = False
    pipe.scheduler = scheduler
    return common.pixels(image)


def request(model, pipeline, prompt, pictures, size, steps, cfg, seed, negative=None, **more):
    """`size` None: the pipeline's own default for this folder, which the request then carries as numbers too."""
    auto = size is None
    width, height = size or pipes.default_size(pipeline, model, load_pictures(pictures))
    where = model.relative_to(common.ROOT).as_posix()
    return {"model": where, "pipeline": pipeline, "prompt": prompt, "negative_prompt": negative, "pictures": pictures,
            "width": width, "height": height, "size": "auto" if auto else "exact", "steps": steps, "cfg": cfg,
            "seed": seed, **more}


LIGHT = ("image", "latents", "prompt_embeds", "input_ids")


def kept(record, level):
    """Level 2 keeps all but pixel_values; 1 drops per-step tensors but the latents of the last step; 0 keeps what LIGHT names."""
    record = {k: v for k, v in record.items() if k != "pixel_values"}
    if level == 2:
        return record
    out = {k: v for k, v in record.items() if not k.startswith("step.")}
    if level == 1:
        for key in ("decoded", "denormalized_latents"):
            out.pop(key, None)
        return out
    return {k: v for k, v in out.items() if k in LIGHT or k == "negative_prompt_embeds"}


def cases():
    tiny, full = common.TINY, common.MODELS / "full"

    def t(*args, **kwargs):
        return request(tiny, *args, **kwargs)

    def f(*args, **kwargs):
        return request(full, *args, **kwargs)

    return {
        # text to image
        "t2i_4": (t(T2I, RED, [], None, 4, 1.0, 7), 2),
        "t2i_wide_4": (t(T2I, RED, [], (160, 96), 4, 1.0, 8), 0),
        "t2i_tall_cfg_4": (t(T2I, "A green heart on a sand background.", [], (96, 160), 4, 4.0, 9, " "), 1),
        "t2i_cfg_20": (t(T2I, RED, [], None, 20, 4.0, 2**40 + 3, "blurry, ugly"), 0),
        "t2i_cfg_without_negative": (t(T2I, RED, [], (64, 64), 4, 4.0, 10), 0),
        "t2i_negative_without_cfg": (t(T2I, RED, [], (64, 64), 4, 1.0, 10, "blurry"), 0),
        "t2i_1": (t(T2I, RED, [], None, 1, 1.0, 11, scheduler=OPEN_END), 0),
        "t2i_sigmas": (t(T2I, RED, [], (64, 48), 3, 1.0, 12, sigmas=[1.0, 0.7, 0.3]), 0),
        "t2i_shift3": (t(T2I, RED, [], (64, 64), 4, 1.0, 13,
                         scheduler={"use_dynamic_shifting": False, "shift": 3.0, "shift_terminal": None}), 0),
        "t2i_unicode": (t(T2I, "Ein rotes Herz ❤️ auf blauem Grund — 红心", [], (80, 112), 4, 1.0, 14), 0),
        "t2i_blank": (t(T2I, " ", [], (64, 64), 4, 1.0, 0), 0),
        "t2i_smallest": (t(T2I, RED, [], (16, 16), 4, 2.5, 15, " "), 2),
        "t2i_tiled_vae": (t(T2I, RED, [], (272, 128), 2, 1.0, 16, vae_tiling=True), 0),
        # edit plus
        "plus_1_4": (t(PLUS, NAVY, [SCENE], None, 4, 1.0, 7), 2),
        "plus_1_20": (t(PLUS, NAVY, [SCENE], None, 20, 1.0, 42), 0),
        "plus_1_cfg_4": (t(PLUS, "Make the red circle blue.", [SCENE], None, 4, 4.0, 21, " "), 0),
        "plus_1_cfg_small_4": (t(PLUS, "Remove the circle.", [PLATE], (64, 48), 4, 4.0, 22, "blurry"), 2),
        "plus_1_cfg_20": (t(PLUS, "Make the background grey.", [DAY], None, 20, 4.0, 23, " "), 0),
        "plus_1_1": (t(PLUS, NAVY, [SCENE], None, 1, 1.0, 24, scheduler=OPEN_END), 0),
        "plus_1_wide": (t(PLUS, "Change the background to sand.", [WIDE], None, 4, 1.0, 25), 0),
        "plus_1_tall": (t(PLUS, "Change the background to sky.", [TALL], None, 4, 1.0, 26), 0),
        "plus_1_explicit": (t(PLUS, NAVY, [SCENE], (160, 96), 4, 1.0, 27), 0),
        "plus_1_small_picture": (t(PLUS, NAVY, [SMALL], None, 4, 1.0, 28), 0),
        "plus_1_larger_reference": (t(PLUS, NAVY, [NIGHT], (64, 32), 4, 1.0, 29), 0),
        "plus_2_4": (t(PLUS, COMBINE, [NIGHT, HEART], None, 4, 1.0, 7), 0),
        "plus_2_mixed_cfg": (t(PLUS, COMBINE, [PLATE, HEART], (128, 96), 4, 4.0, 31, " "), 0),
        "plus_2_last_sets_size": (t(PLUS, COMBINE, [SCENE, PLATE], None, 4, 1.0, 32), 0),
        "plus_2_20": (t(PLUS, COMBINE, [NIGHT, HEART], None, 20, 1.0, 33), 0),
        "plus_3_4": (t(PLUS, "Put Picture 2 and Picture 3 in Picture 1.", [SCENE, ODD, PLATE], None, 4, 1.0, 34), 1),
        "plus_3_cfg": (t(PLUS, "Put Picture 3 in Picture 1.", [WIDE, TALL, HEART], (112, 80), 4, 4.0, 35, "grey"), 0),
        "plus_1_unicode": (t(PLUS, "Hintergrund blau machen: 背景改成蓝色 🎨", [DAY], (96, 96), 4, 1.0, 2**63 - 1), 0),
        # edit, first generation
        "edit_1_4": (t(EDIT, NAVY, [SCENE], None, 4, 1.0, 7), 0),
        "edit_1_plate_cfg": (t(EDIT, "Remove the circle.", [PLATE], None, 4, 4.0, 41, " "), 1),
        "edit_1_explicit": (t(EDIT, NAVY, [ODD], (96, 112), 4, 1.0, 42), 0),
        "edit_1_20": (t(EDIT, "Make the background grey.", [DAY], None, 20, 1.0, 43), 0),
        "edit_1_1": (t(EDIT, NAVY, [SCENE], None, 1, 1.0, 44, scheduler=OPEN_END), 0),
        # the random model: no terminal, zero_cond_t off, other heads, sharded
        "full_t2i_4": (f(T2I, RED, [], None, 4, 1.0, 51), 0),
        "full_t2i_cfg_1": (f(T2I, RED, [], (64, 96), 1, 3.0, 52, " "), 2),
        "full_plus_1_1": (f(PLUS, NAVY, [PLATE], None, 1, 1.0, 53), 2),
        "full_plus_2_cfg_4": (f(PLUS, COMBINE, [ODD, HEART], (80, 64), 4, 4.0, 54, "grey"), 1),
        "full_plus_3_4": (f(PLUS, NAVY, [SMALL, TALL, SCENE], None, 4, 1.0, 55), 0),
        "full_edit_1_20": (f(EDIT, NAVY, [TALL], None, 20, 2.0, 56, " "), 0),
    }


def main():
    loaded, last = {}, None
    for name, (asked, level) in cases().items():
        if asked["model"] != last:
            last = asked["model"]
            loaded = pipes.load(common.ROOT / last)
        pipe, record = loaded[asked["pipeline"]], {}
        image = run(pipe, last, asked, record)
        record["image"] = image
        record["latents"] = record[f"step.{len(pipe_steps(record)) - 1}.latents"]
        asked["cfg_used"] = "negative_prompt_embeds" in record
        common.golden(f"e2e/{name}", name, asked, kept(record, level), (asked["seed"],))


def pipe_steps(record):
    return [k for k in record if k.startswith("step.") and k.endswith(".latents")]


if __name__ == "__main__":
    common.run("pipeline", main)
