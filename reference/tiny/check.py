"""Shows that network.py computes what diffusers and transformers compute, on random weights that leave no path silent."""

import torch
from diffusers import QwenImagePipeline

import prompts
import run
import world
from network import GRID, Network, pack

BAR = 1e-4  # largest difference in float32, of values up to about 4


@torch.no_grad()
def check(folder):
    """Prints the largest differences of prompt embeddings and velocity for 0, 1 and 2 references; ends the program above BAR."""
    torch.manual_seed(1)
    network = Network(prompts.tokenizer(folder)).eval()
    for p in network.parameters():
        if not p.any():
            torch.nn.init.normal_(p, std=0.05)
        elif (p == 1).all():
            torch.nn.init.normal_(p, 1, 0.1)
    z = torch.randn(2, 16, 2 * GRID, 2 * GRID)
    if not torch.equal(pack(z), QwenImagePipeline._pack_latents(z, 2, 16, 2 * GRID, 2 * GRID)):
        run.fail("pack orders latents otherwise than the pipeline")
    for task, count in (("text-to-image", 0), ("recolor", 1), ("combine", 2)):
        sample = world.evaluation(task, 1)[0]
        ids = torch.tensor([prompts.tokens(folder, sample.prompt, count)] * 2)
        drop, seen, pixels = prompts.drop(count), None, {}
        if count:
            seen = torch.stack([prompts.patches(world.render(r)[None])[0] for r in sample.references]).expand(2, -1, -1, -1)
            frames = seen.flatten(0, 1).unflatten(-1, (3, 1, 14, 14)).expand(-1, -1, -1, 2, -1, -1)
            pixels = {"pixel_values": frames.reshape(-1, 1176), "image_grid_thw": torch.tensor([[1, 6, 6]] * 2 * count)}
        text = network.text(input_ids=ids, attention_mask=torch.ones_like(ids), output_hidden_states=True, **pixels).hidden_states[-1][:, drop:]
        x, references, t = torch.randn(2, 64, 64), torch.randn(2, 64 * count, 64), torch.tensor([0.3, 1.0])
        shapes = [[(1, GRID, GRID)] * (1 + count)] * 2
        out = network.dit(torch.cat([x, references], 1), text, None, t, shapes, return_dict=False)[0][:, :64]
        for name, a, b in (
            ("embeddings", network.embed(ids, drop, seen), text),
            ("velocity", network(x, references, t, text), out),
        ):
            error = (a - b).abs().max().item()
            print(f"{count} references, {name}: largest difference {error:.1e} of values up to {b.abs().max():.1f}")
            if not error <= BAR:
                run.fail(f"network.py and the reference differ by more than {BAR}")
