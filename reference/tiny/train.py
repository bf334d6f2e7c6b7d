"""Trains the text encoder to read, then transformer and text encoder together by flow matching; all from random weights.

Every picture has one right answer, so the velocity that the network learns is a function and not a mean over many: what decides
is the first step from pure noise, where the network must do the whole edit. Times are drawn accordingly: a good part at t = 1, the
rest pushed to high noise. Coarse latents weigh more than fine ones (between an error in latents and one in pixels), and the patches that the
edit changes more than those it keeps.
"""

import random

import numpy as np
import torch

import prompts
import run
import world
from muon import fast_dtype
from network import Network, pack

MIX = {"recolor": 4, "replace": 4, "remove": 2, "background": 1.5, "add": 3, "combine": 4, "text-to-image": 4}
LATE = {"recolor": 3, "replace": 6, "remove": 1, "background": 4, "add": 2, "combine": 3, "text-to-image": 2}  # while the rates fall
EMPTY = 0.03  # share of prompts left empty, for classifier-free guidance
PURE, LATE_PURE = 0.4, 0.25  # share of samples at t = 1
CHANGED = 3.0  # weight of a patch that the edit changes
MUON, ADAM = 0.02, 1e-3
FALL = 0.4  # the last part of the steps, over which the rates fall
READ = 0.1  # weight of the reader's loss beside that of the velocity
CHUNK = 128  # batches that are drawn together
BLUR = 0.01  # noise on references, in latent units: the error of the VAE's encoder


def _samples(seed, chunk, count, folder, empty, mix):
    """(sample, token ids) of a chunk; the same for the same seed and chunk."""
    rng = random.Random(f"{seed} {chunk}")
    for task in rng.choices(list(mix), list(mix.values()), k=count):
        sample = world.draw(rng, task)
        prompt = " " if rng.random() < empty else sample.prompt
        yield sample, prompts.tokens(folder, prompt, len(sample.references))


def batches(seed, start, size, folder, empty=EMPTY, late=None):
    """Endless batches from batch number `start` on; in one batch all prompts have one length and as many references.

    From batch `late` on (where that is given) the mix is LATE.
    """
    chunk, skip = divmod(start, CHUNK)
    while True:
        groups, ready = {}, []
        mix = LATE if late is not None and chunk * CHUNK >= late else MIX
        for sample, ids in _samples(seed, chunk, int(CHUNK * size * 1.15), folder, empty, mix):
            group = groups.setdefault((len(sample.references), len(ids)), [])
            group.append((sample, ids))
            if len(group) == size:
                ready.append(groups.pop((len(sample.references), len(ids))))
        random.Random(f"order {seed} {chunk}").shuffle(ready)
        ready = (ready * 2)[:CHUNK]  # if too few came out full, the first ones come again
        yield from ready[skip:]
        chunk, skip = chunk + 1, 0


def _times(rng, n, pure):
    u = rng.random(n, np.float32)
    t = 2.5 * u / (1 + 1.5 * u)
    t[rng.random(n) < pure] = 1
    return torch.from_numpy(np.clip(t, 0.005, 1))


def _seen(samples):
    """The references' pictures, uint8 [n·pictures, 128, 128, 3], and their vision patches [n, pictures, 36, 588]."""
    pictures = np.stack([world.render(r) for s in samples for r in s.references])
    return pictures, prompts.patches(pictures).unflatten(0, (len(samples), -1))


def tensors(samples, latent_space, rng):
    """Target tokens [n, 64, 64], reference tokens [n, 64·pictures, 64], patch weights [n, 64, 1], vision patches or None."""
    n, count = len(samples), len(samples[0].references)
    target = pack(latent_space.encode(np.stack([world.render(s.target) for s in samples])))
    if not count:
        return target, target[:, :0], torch.ones(n, 64, 1), None
    pictures, patches = _seen(samples)
    references = pack(latent_space.encode(pictures)).view(n, count, 64, 64)
    changed = (references[:, 0] - target).abs().amax(-1, keepdim=True) > 0.02
    weight = 1 + (CHANGED - 1) * changed.float()
    references = references + BLUR * torch.from_numpy(rng.standard_normal(references.shape, np.float32))
    return target, references.flatten(1, 2), weight / weight.mean(1, keepdim=True), patches


def _begin(folder, work, name, seed, parts, start=None):
    """The run of a network of which `parts` are trained; `start` holds weights to begin with."""
    torch.manual_seed(seed)
    device = run.device()
    network = Network(prompts.tokenizer(folder), fast_dtype(device), compiled=True).to(device)
    if start:
        network.load_state_dict(start, strict=False)
    named = [(n, p) for n, p in network.named_parameters() if n.startswith(parts) and "lm_head" not in n]
    inner = ("transformer_blocks", "language_model.layers", "visual.blocks", "visual.merger")
    is_matrix = lambda n, p: p.ndim == 2 and "_mod" not in n and any(i in n for i in inner)  # noqa: E731
    options = {"warm": 100, "fall": FALL, "decay": 0.996, "every": 4, "weight_decay": 0.02}
    return network, run.Run(work, name, network, named, is_matrix, (MUON, ADAM), (0.9, 0.97), **options)


def train_text(folder, steps, work=run.WORK, size=128, seed=41):
    """Teaches the text encoder to read pictures and prompts before any picture is painted, as the real one has learnt elsewhere."""
    network, training = _begin(folder, work, "text", seed, ("text", "reader"))
    device, source, recent = run.device(), batches(seed, training.step, size, folder, empty=0), {}
    for _ in training.steps(steps):
        samples, ids = zip(*next(source))
        count = len(samples[0].references)
        patches = _seen(samples)[1].to(device) if count else None
        text = network.embed(torch.tensor(ids, device=device), prompts.drop(count), patches)
        loss, right = network.reader(text, [s.target for s in samples])
        training.advance(loss)
        recent.setdefault(f"{count} pictures", []).append(right.item())
        if training.due(200):
            training.log(**{k: float(np.mean(v)) for k, v in sorted(recent.items())})
            recent = {}


def train(latent_space, folder, steps, work=run.WORK, size=32, seed=31):
    """Trains transformer and text encoder together for `steps` steps in all, from the last checkpoint on."""
    start = run.averages(work, "text", "text")
    network, training = _begin(folder, work, "transformer", seed, ("text", "dit", "reader"), start)
    device, late = run.device(), int(steps * (1 - FALL))
    coarse = torch.from_numpy(latent_space.scale / latent_space.scale.mean()).repeat_interleave(4).to(device)
    source, recent = batches(seed, training.step, size, folder, late=late), {}
    for step in training.steps(steps):
        rng = np.random.default_rng((seed, step))
        samples, ids = zip(*next(source))
        count = len(samples[0].references)
        x, references, weight, patches = (v if v is None else v.to(device) for v in tensors(samples, latent_space, rng))
        t = _times(rng, len(x), LATE_PURE if step >= late else PURE).to(device)
        noise = torch.from_numpy(rng.standard_normal(x.shape, np.float32)).to(device)
        text = network.embed(torch.tensor(ids, device=device), prompts.drop(count), patches)
        velocity = network(x + (noise - x) * t[:, None, None], references, t, text)
        error = (velocity - (noise - x)).square()
        loss = (error * coarse * weight).mean()
        if len(ids[0]) > prompts.bare(folder, count):
            loss = loss + READ * network.reader(text, [s.target for s in samples])[0]
        training.advance(loss)
        for sample, e, at in zip(samples, error.detach().cpu(), t.tolist()):
            if at == 1:
                recent.setdefault(sample.task, []).append(latent_space.psnr(e))
        if training.due(100):
            training.log(**{task: float(np.mean(recent[task])) for task in world.TASKS if recent.get(task)})
            recent = {}


def averaged(folder, work=run.WORK):
    """The whole network with its averaged weights."""
    network = Network(prompts.tokenizer(folder))
    missing = network.load_state_dict(run.averages(work, "transformer", "transformer"), strict=False).missing_keys
    if missing != ["text.lm_head.weight"]:  # tied to the embedding
        run.fail(f"{work}/transformer.pt lacks {missing}")
    return network.eval()
