"""One training run: optimisers, schedule, averaged weights, checkpoints, log; what VAE and transformer share."""

import json
import signal
import sys
import time
from pathlib import Path

import torch

from muon import Muon

HERE = Path(__file__).resolve().parent
WORK = HERE / "work"  # checkpoints; ignored by git


def device():
    return "cuda" if torch.cuda.is_available() else "cpu"


def save(path, state):
    """Written beside and renamed, so that a stop at any moment leaves a whole checkpoint."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    torch.save(state, part)
    part.replace(path)


def load(path):
    return torch.load(path, map_location="cpu", weights_only=False) if path.is_file() else None


class Average:
    """An exponential average of weights; it starts as a plain mean, so that the first values soon fade."""

    def __init__(self, params, decay):
        self.params, self.decay, self.count = list(params), decay, 0
        self.values = [p.detach().clone() for p in self.params]

    @torch.no_grad()
    def update(self):
        self.count += 1
        keep = min(self.decay, self.count / (self.count + 10))
        torch._foreach_lerp_(self.values, [p.detach() for p in self.params], 1 - keep)

    def state(self):
        return {"count": self.count, "values": self.values}

    def restore(self, state):
        self.count = state["count"]
        for v, s in zip(self.values, state["values"]):
            v.copy_(s)


class StopSignal:
    """Lets a step end and a checkpoint be written after Ctrl-C or SIGTERM."""

    def __init__(self):
        self.given = False
        self.before = {s: signal.signal(s, self._note) for s in (signal.SIGINT, signal.SIGTERM)}

    def _note(self, *_):
        self.given = True

    def leave(self, step, steps):
        """Puts the old handlers back; ends the program where it was told to stop before the last step."""
        for number, handler in self.before.items():
            signal.signal(number, handler)
        if self.given and step < steps:
            sys.exit(f"stopped at step {step} of {steps}; the same command goes on from there")


class Run:
    """Trains the parameters `named` of a module: Muon for those that `is_matrix(name, parameter)` chooses, AdamW for the rest.

    `rates` are theirs in that order; they rise over the first `warm` steps and fall over the last part `fall` of all. The weights are
    averaged every `every` steps. A run goes on from its checkpoint in `work`.
    """

    def __init__(self, work, name, module, named, is_matrix, rates, betas, warm, fall, decay, every=1, weight_decay=0.0):
        self.module, self.rates, self.warm, self.fall, self.every = module, rates, warm, fall, every
        self.path, self.journal = work / f"{name}.pt", work / f"{name}.jsonl"
        self.names, self.params = zip(*named)
        matrices, rest = ([p for n, p in named if is_matrix(n, p) == wanted] for wanted in (True, False))
        adam = torch.optim.AdamW(rest, rates[1], betas=betas, weight_decay=0.0, fused=True)
        self.optimizers = [Muon(matrices, rates[0], weight_decay=weight_decay), adam]
        self.average = Average(self.params, decay)
        self.step, self.seconds, self.began, self.total = 0, 0, time.monotonic(), 0
        if state := load(self.path):
            module.load_state_dict(state["weights"])
            for optimizer, kept in zip(self.optimizers, state["optimizers"]):
                optimizer.load_state_dict(kept)
            self.average.restore(state["average"])
            self.step, self.seconds = state["step"], state.get("seconds", 0)

    def steps(self, total):
        """The numbers of the steps that are left of `total`; each must call `advance`. A checkpoint every five minutes and at the end."""
        self.total, since, stop = total, time.monotonic(), StopSignal()
        while self.step < total and not stop.given:
            yield self.step
            if time.monotonic() - since > 300 or self.step == total or stop.given:
                self._keep()
                since = time.monotonic()
        stop.leave(self.step, total)

    def advance(self, loss, clip=None):
        """One step down the gradient of `loss`, whose norm may be clipped."""
        if not torch.isfinite(loss):
            fail(f"the loss is not finite at step {self.step}")
        rate = min(1, (self.step + 1) / self.warm) * max(0.01, min(1, (1 - self.step / self.total) / self.fall))
        for optimizer, base in zip(self.optimizers, self.rates):
            optimizer.param_groups[0]["lr"] = base * rate
            optimizer.zero_grad()
        loss.backward()
        if clip:
            torch.nn.utils.clip_grad_norm_(self.params, clip)
        for optimizer in self.optimizers:
            optimizer.step()
        if self.step % self.every == 0:
            self.average.update()
        self.step += 1

    def due(self, every):
        """Whether figures are to be logged after this step."""
        return self.step % every == 0 or self.step == self.total

    def log(self, **figures):
        """A line of JSON beside the checkpoint, and the same on the screen."""
        figures = {"step": self.step, "seconds": self._spent(), **figures}
        with self.journal.open("a") as f:
            f.write(json.dumps(figures) + "\n")
        print(self.path.stem, " ".join(f"{k} {v:.4g}" if isinstance(v, float) else f"{k} {v}" for k, v in figures.items()), flush=True)

    def _spent(self):
        return round(self.seconds + time.monotonic() - self.began)

    def _keep(self):
        state = {"step": self.step, "seconds": self._spent(), "weights": self.module.state_dict(), "names": self.names}
        state |= {"average": self.average.state(), "optimizers": [o.state_dict() for o in self.optimizers]}
        save(self.path, state)


def averages(work, name, stage):
    """The averaged weights of a run by name; `stage` is what makes them."""
    state = load(work / f"{name}.pt") or fail(f"no {name} in {work} yet: run make.py {stage} first")
    return dict(zip(state["names"], state["average"]["values"]))


def fail(message):
    sys.exit(f"error: {message}")
