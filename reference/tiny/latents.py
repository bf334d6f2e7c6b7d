"""The latent space: the 16 principal components of 8×8 pixel patches of the world.

A VAE trained from scratch with a KL term learns for hours on a CPU; a latent space that is fixed beforehand turns it into two plain
regressions (vae.py). The components are scaled so that their spread falls with the power 0.3 of its true course: the fine ones stay
visible under the noise of flow matching, and the coarse ones still lead.
"""

import random

import numpy as np
import torch

import world

CHANNELS, PATCH = 16, 8


def _patches(pictures):
    """uint8 [n, 128, 128, 3] to [n, 16, 16, 192] in [-1, 1]."""
    x = pictures.astype(np.float32) / 127.5 - 1
    n, g = len(x), world.SIZE // PATCH
    return x.reshape(n, g, PATCH, g, PATCH, 3).transpose(0, 1, 3, 2, 4, 5).reshape(n, g, g, PATCH * PATCH * 3)


class LatentSpace:
    """basis [192, 16] with unit columns, mean [192], scale [16]: latent = (patch − mean)·basis / scale."""

    def __init__(self, mean, basis, scale):
        self.mean, self.basis, self.scale = mean, basis, scale

    @staticmethod
    def fit(seed=5, pictures=1500):
        rng = random.Random(seed)
        x = _patches(np.stack([world.render(world.draw_scene(rng, rng.choice((1, 2, 3, 4)))) for _ in range(pictures)]))
        x = x.reshape(-1, x.shape[-1])
        mean = x.mean(0)
        variance, vectors = np.linalg.eigh(np.cov((x - mean).T))
        order = np.argsort(-variance)[:CHANNELS]
        basis = vectors[:, order].astype(np.float32)
        basis *= np.sign(basis[np.abs(basis).argmax(0), range(CHANNELS)])  # one of the two signs, the same everywhere
        spread = np.sqrt(variance[order]).astype(np.float32)
        return LatentSpace(mean.astype(np.float32), basis, spread / (spread / spread[0]) ** 0.3)

    def save(self, path):
        np.savez(path, mean=self.mean, basis=self.basis, scale=self.scale)

    @staticmethod
    def load(path):
        data = np.load(path)
        return LatentSpace(data["mean"], data["basis"], data["scale"])

    def encode(self, pictures):
        """uint8 [n, 128, 128, 3] to latents [n, 16, 16, 16] (channels first)."""
        return torch.from_numpy((_patches(pictures) - self.mean) @ (self.basis / self.scale)).permute(0, 3, 1, 2)

    def psnr(self, error):
        """The PSNR in dB of a picture whose 64 packed latents have these squared errors [64, 64], if the VAE were exact."""
        weight = torch.from_numpy(self.scale).square().repeat_interleave(4) / 4
        return -10 * float(torch.log10((error * weight).sum(-1).mean() / (3 * PATCH * PATCH) / 4))

    @property
    def vae_mean(self):
        """latents_mean of the VAE's config: its raw latents are the plain projections, not centred, in units of the first spread."""
        return self.mean @ self.basis / self.scale[0]

    @property
    def vae_std(self):
        return self.scale / self.scale[0]
