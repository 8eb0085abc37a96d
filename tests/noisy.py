"""Noisy images whose truth is known."""

from __future__ import annotations

import numpy as np
import torch
from torch.nn.functional import avg_pool2d

from napari_sr.training.data.pictures import of_array


def waves(size=64):
    """Return a smooth image in 0.1..0.9, (size, size)."""
    y, x = np.mgrid[0:size, 0:size]
    return 0.5 + 0.2 * np.sin(y / 5) + 0.2 * np.cos((x + y) / 7)


def photons(random, truth, gain=0.02, read=0.0):
    """Return an image with Poisson noise, and read noise in photons."""
    counts = random.poisson(truth / gain) + random.normal(0, read, truth.shape)
    return (gain * counts).astype(np.float32)


def picture(pixels):
    """Return an array as a picture with black at 0 and white at 1."""
    return of_array(np.asarray(pixels, np.float32), axes="YX", value_range=(0.0, 1.0))[0]


def repeated(image):
    """Enlarge (C, H, W) twice by repeating pixels: the identity, at the source's pixels."""
    return image.repeat_interleave(2, -1).repeat_interleave(2, -2)


def averaged(image):
    """Enlarge (C, H, W) twice after the mean of 3 x 3 pixels, which lessens noise."""
    around = torch.nn.functional.pad(image, (1,) * 4, mode="replicate")
    return repeated(avg_pool2d(around, 3, 1))
