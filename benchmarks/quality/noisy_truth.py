"""How wrong is a comparison of models if the truth has noise? For `advice.py`, x2.

    python benchmarks/quality/noisy_truth.py DATA [STEP]

Photographs and synthetic fluorescence, blurred, get white noise; their 2 x 2 means, also with the
noise of 100 photons, are upscaled. PSNR is measured against the truth with and without its noise.
Each row has the cases in which the truth's noise is a certain share of the best model's squared
error. *bias*: the dB by which a model's gain over bicubic is overestimated, because the truth is
noisy. *missed*: share of decided cases in which naming the truly best model counts as a miss,
because the noisy truth prefers another. *corrected*: the same after the correction of
`truth_noise.py`, which estimates the noise as for real images. STEP takes only every STEP-th image.
"""

from __future__ import annotations

import itertools
import sys
from functools import partial
from pathlib import Path

import numpy as np
from advice import (
    BLURS,
    INSIDE,
    READ_NOISE,
    SIDE,
    fitted_error,
    fluorescence,
    photographs,
    upscaled,
)
from advice_fit import GAP, MODELS
from scipy.ndimage import gaussian_filter
from truth_noise import added_noise, corrected

import napari_sr

LEVELS, PHOTONS, EACH = (0.005, 0.02, 0.06), (0, 100), 4
"""Noise of the truth, photons at white, and the step through the images."""
SHARES = (0.0, 0.25, 0.5, 0.75, 1.0, 100.0)


def main() -> None:
    """Print the table."""
    data = Path(sys.argv[1])
    step = int(sys.argv[2]) if len(sys.argv) > 2 else EACH
    images = [*list(photographs(data))[::step], *list(fluorescence())[::step]]
    networks = {name: napari_sr.load(name, 2) for name in MODELS}
    random, shares = np.random.default_rng(1), []
    noisy, clean, mended = [], [], []
    for image, blur, level, photons in itertools.product(images, BLURS[:3], LEVELS, PHOTONS):
        truth = gaussian_filter(image, blur) if blur else image
        seen = truth + random.normal(0, level, truth.shape)
        small = seen.reshape(SIDE // 2, 2, SIDE // 2, 2).mean(axis=(1, 3))
        if photons:
            counts = random.poisson(small.clip(0, None) * photons)
            small = (counts + random.normal(0, READ_NOISE, small.shape)) / photons
        pixels, added = small.astype(np.float32), added_noise(small, seen, apart=False)
        low, high = np.percentile(seen[INSIDE], (0.1, 99.9))
        rows = []
        for network in networks.values():
            result = upscaled(pixels, network, (0.0, 1.0))
            again = partial(upscaled, network=network, values=(0.0, 1.0))
            error, slope = fitted_error(result, seen)
            shared = slope * added.covariance(again, pixels, INSIDE) / (high - low) ** 2
            true = corrected(error, shared, added.variance / (high - low) ** 2)
            # all PSNR are relative to the range of the noisy truth
            free = fitted_error(result, truth)[0] * (_range(truth) / (high - low)) ** 2
            rows.append(-10 * np.log10([error, free, true]))
        for kept, psnr in zip((noisy, clean, mended), np.transpose(rows), strict=True):
            kept.append(psnr)
        shares.append((level / (high - low)) ** 2 * 10 ** (max(noisy[-1]) / 10))
    for title, found in {"measured": noisy, "corrected": mended}.items():
        print(title)
        show(np.array(shares), np.array(found), np.array(clean))


def _range(image: np.ndarray) -> float:
    return float(np.ptp(np.percentile(image[INSIDE], (0.1, 99.9))))


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
