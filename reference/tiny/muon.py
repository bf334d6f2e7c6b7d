"""Muon: momentum whose update is orthogonalised, for matrices (Keller Jordan, 2024, https://kellerjordan.github.io/posts/muon).

torch.optim.Muon does one matrix at a time; here all matrices of one shape go through the Newton–Schulz iteration together, in
bfloat16 where the processor multiplies that fast (GPU or AMX) and in float32 elsewhere.
"""

import collections

import torch


def fast_dtype(device="cpu"):
    """bfloat16 where matrix units for it exist, else float32."""
    if str(device).startswith("cuda") or torch.cpu._is_amx_tile_supported():
        return torch.bfloat16
    return torch.float32


def orthogonalise(update, steps=5):
    """The nearest matrices with all singular values about 1 of a batch [n, rows, columns]."""
    a, b, c = 3.4445, -4.7750, 2.0315  # the quintic of the Muon paper
    tall = update.shape[1] > update.shape[2]
    x = update.to(fast_dtype(update.device))
    x = x / (torch.linalg.matrix_norm(update, keepdim=True) + 1e-7).to(x.dtype)
    if tall:
        x = x.mT.contiguous()
    for _ in range(steps):
        s = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(s, s, s, beta=b, alpha=c), x, beta=a)
    return (x.mT if tall else x).float()


class Muon(torch.optim.Optimizer):
    """Tensors of more than two axes count as matrices of shape [first axis, all others]."""

    def __init__(self, params, lr, momentum=0.95, weight_decay=0.0):
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            shapes = collections.defaultdict(list)
            for p in group["params"]:
                shapes[p.shape[0], p.numel() // p.shape[0]].append(p)
            for (rows, columns), params in shapes.items():
                # The momentum of a whole stack is kept with its first matrix.
                g = torch.stack([(torch.zeros_like(p) if p.grad is None else p.grad).reshape(rows, columns) for p in params])
                state = self.state[params[0]]
                if "momentum" not in state:
                    state["momentum"] = torch.zeros_like(g)
                m = torch.add(g, state["momentum"], alpha=group["momentum"], out=state["momentum"])
                steps = orthogonalise(g.add_(m, alpha=group["momentum"]))
                if group["weight_decay"]:
                    torch._foreach_mul_(params, 1 - group["lr"] * group["weight_decay"])
                rate = group["lr"] * max(1, rows / columns) ** 0.5
                torch._foreach_add_(params, [u.view(p.shape) for p, u in zip(params, steps)], alpha=-rate)
