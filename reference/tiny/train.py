"""Trains the text encoder to read, then transformer and text encoder together by flow matching; all from random weights.

Every picture has one right answer, so the velocity that the network learns is a function and not a mean over many: what decides
is the first step from pure noise, where the network must do the whole edit. Times are drawn accordingly: a good part at t = 1, the
rest pushed to high noise. Coarse latents weigh more than fine ones (between an error in latents and one in pixels), and the patches that the
edit changes more than those it keeps.
"""

import random
import time

import numpy as np
import torch

import common
import prompts
import world
from muon import Muon, fast_dtype
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


class Run:
    """What both trainings share: network, optimisers, average, schedule, checkpoints."""

    def __init__(self, folder, work, name, seed, parts, start):
        self.device = common.device()
        self.path, self.log = work / f"{name}.pt", common.Log(work / f"{name}.jsonl")
        torch.manual_seed(seed)
        self.network = Network(prompts.tokenizer(folder), fast_dtype(self.device), compiled=True).to(self.device)
        named = [(n, p) for n, p in self.network.named_parameters() if n.startswith(parts) and "lm_head" not in n]
        self.names = [n for n, _ in named]
        inner = ("transformer_blocks", "language_model.layers", "visual.blocks", "visual.merger")
        matrix = lambda n, p: p.ndim == 2 and "_mod" not in n and any(i in n for i in inner)  # noqa: E731
        matrices, rest = ([p for n, p in named if matrix(n, p) == wanted] for wanted in (True, False))
        adam = torch.optim.AdamW(rest, ADAM, betas=(0.9, 0.97), weight_decay=0.0, fused=True)
        self.optimizers = [Muon(matrices, MUON, weight_decay=0.02), adam]
        self.average = common.Average([p for _, p in named], 0.996)
        self.step, self.seconds, self.began, self.since = 0, 0, time.monotonic(), time.monotonic()
        if state := common.load(self.path):
            self.network.load_state_dict(state["weights"])
            [o.load_state_dict(s) for o, s in zip(self.optimizers, state["optimizers"])]
            self.average.restore(state["average"])
            self.step, self.seconds = state["step"], state["seconds"]
        elif start:
            self.network.load_state_dict(start, strict=False)

    @property
    def spent(self):
        return round(self.seconds + time.monotonic() - self.began)

    def advance(self, loss, steps):
        """One step down the gradient of `loss`; the rate rises over 100 steps and falls over the last part of all."""
        if not torch.isfinite(loss):
            common.fail(f"the loss is not finite at step {self.step}")
        rate = min(1, (self.step + 1) / 100) * max(0.01, min(1, (1 - self.step / steps) / FALL))
        for optimizer, base in zip(self.optimizers, (MUON, ADAM)):
            optimizer.param_groups[0]["lr"] = base * rate
            optimizer.zero_grad()
        loss.backward()
        for optimizer in self.optimizers:
            optimizer.step()
        if self.step % 4 == 0:
            self.average.update()
        self.step += 1

    def keep(self, now):
        """A checkpoint every five minutes, and `now`."""
        if not now and time.monotonic() - self.since < 300:
            return
        state = {"step": self.step, "seconds": self.spent, "weights": self.network.state_dict(), "names": self.names}
        state |= {"average": self.average.state(), "optimizers": [o.state_dict() for o in self.optimizers]}
        common.save(self.path, state)
        self.since = time.monotonic()


def train_text(folder, steps, work=common.WORK, size=128, seed=41):
    """Teaches the text encoder to read pictures and prompts before any picture is painted, as the real one has learnt elsewhere."""
    run = Run(folder, work, "text", seed, ("text", "reader"), None)
    source, recent, stop = batches(seed, run.step, size, folder, empty=0), {}, common.StopSignal()
    while run.step < steps and not stop.given:
        samples, ids = zip(*next(source))
        patches = _seen(samples)[1].to(run.device) if samples[0].references else None
        text = run.network.embed(torch.tensor(ids, device=run.device), prompts.DROP["edit" if patches is not None else "generate"], patches)
        loss, right = run.network.reader(text, run.network.reader.labels([s.target for s in samples]).to(run.device))
        run.advance(loss, steps)
        recent.setdefault(f"{len(samples[0].references)} pictures", []).append(right.item())
        if run.step % 200 == 0 or run.step == steps:
            run.log(step=run.step, seconds=run.spent, **{k: float(np.mean(v)) for k, v in sorted(recent.items())})
            recent = {}
        run.keep(run.step == steps or stop.given)
    stop.leave(run.step, steps)


def train(latent_space, folder, steps, work=common.WORK, size=32, seed=31):
    """Trains transformer and text encoder together for `steps` steps in all, from the last checkpoint on."""
    run = Run(folder, work, "transformer", seed, ("text", "dit", "reader"), averages(work, "text"))
    coarse = torch.from_numpy(latent_space.scale / latent_space.scale.mean()).repeat_interleave(4).to(run.device)
    late = int(steps * (1 - FALL))
    source, recent, stop = batches(seed, run.step, size, folder, late=late), {}, common.StopSignal()
    while run.step < steps and not stop.given:
        rng = np.random.default_rng((seed, run.step))
        samples, ids = zip(*next(source))
        values = tensors(samples, latent_space, rng)
        x, references, weight, patches = (v if v is None else v.to(run.device) for v in values)
        t = _times(rng, len(x), LATE_PURE if run.step >= late else PURE).to(run.device)
        noise = torch.from_numpy(rng.standard_normal(x.shape, np.float32)).to(run.device)
        text = run.network.embed(torch.tensor(ids, device=run.device), prompts.DROP["edit" if patches is not None else "generate"], patches)
        velocity = run.network(x + (noise - x) * t[:, None, None], references, t, text)
        error = (velocity - (noise - x)).square()
        loss = (error * coarse * weight).mean()
        if len(ids[0]) > prompts.bare(folder, len(samples[0].references)):
            loss = loss + READ * run.network.reader(text, run.network.reader.labels([s.target for s in samples]).to(run.device))[0]
        run.advance(loss, steps)
        for sample, e, at in zip(samples, error.detach().cpu(), t.tolist()):
            if at == 1:
                recent.setdefault(sample.task, []).append(latent_space.psnr(e))
        if run.step % 100 == 0 or run.step == steps:
            figures = {task: float(np.mean(recent[task])) for task in world.TASKS if recent.get(task)}
            run.log(step=run.step, seconds=run.spent, **figures)
            recent = {}
        run.keep(run.step == steps or stop.given)
    stop.leave(run.step, steps)


def averages(work, name):
    """The averaged weights of a training by name."""
    state = common.load(work / f"{name}.pt") or common.fail(f"no {name} yet: run make.py {name} first")
    return dict(zip(state["names"], state["average"]["values"]))


def averaged(folder, work=common.WORK):
    """The whole network with its averaged weights."""
    network = Network(prompts.tokenizer(folder))
    network.load_state_dict(common.load(work / "transformer.pt")["weights"])
    network.load_state_dict(averages(work, "transformer"), strict=False)
    return network.eval()
