"""How wrong is a comparison of models if the truth has noise? For `advice.py`, x2.

    python benchmarks/quality/noisy_truth.py DATA

Photographs and synthetic fluorescence, blurred, get white noise; their 2 x 2 means, also with the
noise of 100 photons, are upscaled. PSNR is measured against the truth with and without its noise.
Each row has the cases in which the truth's noise is a certain share of the best model's squared
error. *bias*: the dB by which a model's gain over bicubic is overestimated, because the truth is
noisy. *missed*: share of decided cases in which naming the truly best model counts as a miss,
because the noisy truth prefers another.
"""

from __future__ import annotations

import itertools
import sys
from pathlib import Path

import numpy as np
from advice import BLURS, READ_NOISE, SIDE, fitted_psnr, fluorescence, photographs
from advice_fit import GAP, MODELS
from scipy.ndimage import gaussian_filter

import napari_sr

LEVELS, PHOTONS, EACH = (0.005, 0.02, 0.06), (0, 100), 4
"""Noise of the truth, photons at white, and the step through the images."""
SHARES = (0.0, 0.25, 0.5, 0.75, 1.0, 100.0)


def main() -> None:
    """Print the table."""
    data = Path(sys.argv[1])
    images = [*list(photographs(data))[::EACH], *list(fluorescence())[::EACH]]
    networks = {name: napari_sr.load(name, 2) for name in MODELS}
    random, shares, noisy, clean = np.random.default_rng(1), [], [], []
    for image, blur, level, photons in itertools.product(images, BLURS[:3], LEVELS, PHOTONS):
        truth = gaussian_filter(image, blur) if blur else image
        seen = truth + random.normal(0, level, truth.shape)
        small = seen.reshape(SIDE // 2, 2, SIDE // 2, 2).mean(axis=(1, 3))
        if photons:
            counts = random.poisson(small.clip(0, None) * photons)
            small = (counts + random.normal(0, READ_NOISE, small.shape)) / photons
        results = [
            napari_sr.upscale(
                small.astype(np.float32), network, axes="YX", device="cpu", engine="torch",
                value_range=(0.0, 1.0), outliers="keep", border="zeros",
            ).astype(float)
            for network in networks.values()
        ]  # fmt: skip
        noisy.append([fitted_psnr(one, seen) for one in results])
        clean.append([fitted_psnr(one, truth) for one in results])
        low, high = np.percentile(seen, (0.1, 99.9))
        shares.append((level / (high - low)) ** 2 * 10 ** (max(noisy[-1]) / 10))
    show(np.array(shares), np.array(noisy), np.array(clean))


def show(shares: np.ndarray, noisy: np.ndarray, clean: np.ndarray) -> None:
    """Print bias and misses by the share of noise, (N,); PSNR are (N, models)."""
    bias = (noisy - noisy[:, :1]) - (clean - clean[:, :1])
    ordered = np.sort(noisy, axis=1)
    decided = ordered[:, -1] - ordered[:, -2] > GAP
    rows = np.arange(len(noisy))
    missed = noisy.max(axis=1) - noisy[rows, clean.argmax(axis=1)] > GAP
    print("share of noise | cases | bias of", *MODELS[1:], "| decided | missed")
    for low, high in itertools.pairwise(SHARES):
        here = (shares >= low) & (shares < high)
        each = " ".join(f"{one:+.2f}" for one in bias[here, 1:].mean(axis=0))
        share = missed[here & decided].mean()
        print(f"{low}-{high} | {here.sum()} | {each} | {(here & decided).sum()} | {share:.0%}")


if __name__ == "__main__":
    main()
