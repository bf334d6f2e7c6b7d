"""golden/image_metrics.safetensors: how far pictures are apart, computed window by window with numpy."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

import common

WINDOW, SIGMA = 11, 1.5
EDITED, REACH, VISIBLE = 16, 2, 8
NONE = -2.0  # no window has its middle in the region
EQUAL = -1.0  # infinite PSNR


def region(source, picture):
    """Pixels off by more than 16 in a channel, and their neighbours up to two pixels away."""
    changed = (np.abs(source.astype(int) - picture.astype(int)).max(axis=2) > EDITED)
    padded = np.pad(changed, REACH)
    return sliding_window_view(padded, (2 * REACH + 1, 2 * REACH + 1)).any(axis=(2, 3))


def ssim_map(a, b):
    """SSIM of each window inside the picture, by its middle; NaN where no window has its middle."""
    luma = [0.299 * p[..., 0] + 0.587 * p[..., 1] + 0.114 * p[..., 2] for p in (a.astype(float), b.astype(float))]
    values = np.full(a.shape[:2], np.nan)
    if min(a.shape[:2]) < WINDOW:
        return values
    d = np.arange(WINDOW) - WINDOW // 2
    weights = np.exp(-(d[:, None] ** 2 + d[None, :] ** 2) / (2 * SIGMA**2))
    weights /= weights.sum()
    x, y = (sliding_window_view(v, (WINDOW, WINDOW)) for v in luma)
    mx, my = ((weights * v).sum(axis=(2, 3)) for v in (x, y))
    dx, dy = x - mx[..., None, None], y - my[..., None, None]
    vx, vy, cov = ((weights * p).sum(axis=(2, 3)) for p in (dx * dx, dy * dy, dx * dy))
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    half = WINDOW // 2
    values[half:-half, half:-half] = (2 * mx * my + c1) * (2 * cov + c2) / ((mx**2 + my**2 + c1) * (vx + vy + c2))
    return values


def error(actual, expected, mask):
    """[pixels, max, mean, psnr, ssim, visible] over the pixels of the mask."""
    difference = np.abs(actual.astype(int) - expected.astype(int))[mask].astype(float)  # [pixels, 3]
    mse = (difference**2).mean()
    ssim = ssim_map(actual, expected)[mask]
    ssim = ssim[~np.isnan(ssim)]
    return np.array([
        len(difference),
        difference.max(),
        difference.mean(),
        EQUAL if mse == 0 else 10 * np.log10(255**2 / mse),
        ssim.mean() if len(ssim) else NONE,
        (difference.max(axis=1) > VISIBLE).mean(),
    ])


def near(rng, picture, most):
    """The picture with each value moved by up to ``most``."""
    return np.clip(picture.astype(int) + rng.integers(-most, most + 1, picture.shape), 0, 255).astype(np.uint8)


def cases(rng):
    noise = rng.integers(0, 256, (30, 40, 3), dtype=np.uint8)
    y, x = np.mgrid[0:48, 0:37]
    smooth = np.stack([x * 6 % 256, y * 5 % 256, (x + y) * 3 % 256], axis=2).astype(np.uint8)
    edited = near(rng, smooth, 6)
    edited[10:25, 8:30] = (200, 30, 90)
    worse = near(rng, edited, 3)
    worse[12:18, 5:12] = (20, 200, 40)
    small = rng.integers(0, 256, (20, 9, 3), dtype=np.uint8)
    return {  # source, without reuse, with it
        "noise": (noise, near(rng, noise, 20), near(rng, noise, 30)),
        "edit": (smooth, edited, worse),
        "untouched": (smooth, near(rng, smooth, 8), near(rng, smooth, 12)),
        "replaced": (smooth, 255 - smooth, near(rng, 255 - smooth, 2)),
        "equal": (smooth, edited, edited),
        "small": (small, near(rng, small, 40), near(rng, small, 9)),
    }


def main():
    seed = 91
    tensors = {}
    for name, (source, off, actual) in cases(np.random.default_rng(seed)).items():
        mask = region(source, off)
        tensors |= {f"{name}.source": source, f"{name}.off": off, f"{name}.actual": actual,
                    f"{name}.region": mask.astype(np.uint8)}
        for part, pixels in (("whole", np.ones_like(mask)), ("edited", mask), ("preserved", ~mask)):
            if pixels.any():
                tensors[f"{name}.{part}"] = error(actual, off, pixels)
    common.golden(
        "image_metrics",
        "image_metrics",
        {"columns": ["pixels", "max", "mean", "psnr", "ssim", "visible"], "equal": EQUAL, "none": NONE},
        tensors,
        [seed],
    )


if __name__ == "__main__":
    common.run("image_metrics", main)
