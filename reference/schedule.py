"""golden/schedule.safetensors: sigmas and timesteps of FlowMatchEulerDiscreteScheduler, as the pipelines ask for them."""

import numpy as np
import torch

import common

DYNAMIC = {
    "base_image_seq_len": 256, "base_shift": 0.5, "invert_sigmas": False, "max_image_seq_len": 8192, "max_shift": 0.9,
    "num_train_timesteps": 1000, "shift": 1.0, "shift_terminal": 0.02, "stochastic_sampling": False,
    "time_shift_type": "exponential", "use_beta_sigmas": False, "use_dynamic_shifting": True,
    "use_exponential_sigmas": False, "use_karras_sigmas": False,
}
LIGHTNING = {
    **DYNAMIC, "base_shift": 1.0986122886681098, "max_shift": 1.0986122886681098, "shift_terminal": None,
}
STATIC3 = {**DYNAMIC, "use_dynamic_shifting": False, "shift": 3.0, "shift_terminal": None}
STATIC3_TERMINAL = {**STATIC3, "shift_terminal": 0.02}
LINEAR = {**DYNAMIC, "time_shift_type": "linear"}
LINEAR_FREE = {**LINEAR, "shift_terminal": None}
BARE = {**DYNAMIC, "shift_terminal": None}
OTHER = {**DYNAMIC, "max_image_seq_len": 4096, "max_shift": 1.15, "shift_terminal": 0.1}
CONFIGS = {
    "qwen": DYNAMIC, "lightning": LIGHTNING, "static3": STATIC3, "static3_terminal": STATIC3_TERMINAL,
    "linear": LINEAR, "linear_free": LINEAR_FREE, "no_terminal": BARE, "other": OTHER, "defaults": {},
}


def make(config, steps, seq_len, sigmas=None):
    from diffusers import FlowMatchEulerDiscreteScheduler
    from diffusers.pipelines.qwenimage.pipeline_qwenimage import calculate_shift, retrieve_timesteps

    scheduler = FlowMatchEulerDiscreteScheduler(**config)
    given = np.linspace(1.0, 1 / steps, steps) if sigmas is None else sigmas
    mu = calculate_shift(
        seq_len,
        scheduler.config.get("base_image_seq_len", 256),
        scheduler.config.get("max_image_seq_len", 4096),
        scheduler.config.get("base_shift", 0.5),
        scheduler.config.get("max_shift", 1.15),
    )
    retrieve_timesteps(scheduler, steps, "cpu", sigmas=given, mu=mu)
    return scheduler, mu


def main():
    tensors, cases = {}, []

    def case(name, steps, seq_len, sigmas=None):
        key = f"case.{len(cases):03d}"
        scheduler, mu = make(CONFIGS[name], steps, seq_len, sigmas)
        tensors[f"{key}.sigmas"] = scheduler.sigmas
        tensors[f"{key}.timesteps"] = scheduler.timesteps
        tensors[f"{key}.mu"] = torch.tensor([mu], dtype=torch.float64)
        if sigmas is not None:
            tensors[f"{key}.given"] = torch.tensor(sigmas, dtype=torch.float64)
        cases.append({"key": key, "config": name, "steps": steps, "image_seq_len": seq_len, "given": sigmas})

    # With shift_terminal x: diffusers' sigma is NaN (see README), so 1 step has no terminal case.
    for steps in (2, 3, 4, 8, 10, 20, 28, 40, 50, 100):
        for seq_len in (1, 6, 64, 60, 256, 1024, 4096, 6889, 8192):
            case("qwen", steps, seq_len)
    for name in ("lightning", "static3", "static3_terminal", "linear", "linear_free", "no_terminal", "other", "defaults"):
        for steps in (1, 2, 4, 8, 20):
            if steps == 1 and CONFIGS[name].get("shift_terminal"):
                continue
            for seq_len in (64, 4096):
                case(name, steps, seq_len)
    for sigmas in ([1.0, 0.75, 0.5, 0.25], [0.9, 0.3], [1.0, 0.8, 0.55, 0.3, 0.1, 0.05]):
        for name in ("qwen", "lightning", "static3", "no_terminal"):
            case(name, len(sigmas), 64, sigmas)
    for sigmas in ([0.5], [1.0]):
        for name in ("lightning", "static3", "no_terminal"):
            case(name, 1, 64, sigmas)

    # Euler steps: prev = sample + (sigma_next - sigma) * v, all float32.
    scheduler, _ = make(DYNAMIC, 4, 64)
    scheduler.set_begin_index(0)
    sample = torch.randn(2, 64, generator=common.seeded(5))
    tensors["step.sigmas"] = scheduler.sigmas
    tensors["step.sample"] = sample
    for i, t in enumerate(scheduler.timesteps):
        v = torch.randn(2, 64, generator=common.seeded(50 + i))
        sample = scheduler.step(v, t, sample, return_dict=False)[0]
        tensors[f"step.{i}.v"] = v
        tensors[f"step.{i}.prev"] = sample
    common.golden("schedule", "schedule", {"configs": CONFIGS, "cases": cases}, tensors, (5, 50, 51, 52, 53))


if __name__ == "__main__":
    common.run("schedule", main)
