"""What the parts of the recipe share: checkpoints, seeds, averages of weights, the log."""

import json
import os
import signal
import sys
import time
import warnings
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
warnings.filterwarnings("ignore")

import torch  # noqa: E402

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
MODEL = ROOT / "models" / "tiny-qwen-image-edit"
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

    @torch.no_grad()
    def swap(self):
        """Exchanges the average and the weights; called twice, nothing has changed."""
        for p, v in zip(self.params, self.values):
            kept = p.detach().clone()
            p.copy_(v)
            v.copy_(kept)

    def state(self):
        return {"count": self.count, "values": self.values}

    def restore(self, state):
        self.count = state["count"]
        for v, s in zip(self.values, state["values"]):
            v.copy_(s)


class Log:
    """Lines of JSON beside the checkpoint and the same on the screen."""

    def __init__(self, path):
        self.path, self.start = path, time.monotonic()
        path.parent.mkdir(parents=True, exist_ok=True)

    def __call__(self, **values):
        with self.path.open("a") as f:
            f.write(json.dumps(values) + "\n")
        print(self.path.stem, " ".join(f"{k} {v:.4g}" if isinstance(v, float) else f"{k} {v}" for k, v in values.items()), flush=True)


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


def fail(message):
    sys.exit(f"error: {message}")
