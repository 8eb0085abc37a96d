"""Luma of a real image, and how far a network's result is from it."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import torch
from PIL import Image

from napari_sr.layers.colour import rgb_to_ycbcr
from napari_sr.layers.resize import imresize


def luma_of(path, side):
    """Return the luma of an image's upper left, (1, 1, side, side), in 0..1."""
    pixels = torch.from_numpy(np.array(Image.open(path).convert("RGB"))[:side, :side]) / 255
    return rgb_to_ycbcr(pixels.permute(2, 0, 1)[None])[:, :1]


def psnr(result, truth):
    """Return the PSNR in dB of two images in 0..1, without 4 pixels of border."""
    return -10 * math.log10((result - truth)[..., 4:-4, 4:-4].square().mean().item())


def gain(network, truth):
    """Return by how many dB a network is nearer to the truth than bicubic enlargement."""
    small = imresize(truth, Fraction(1, network.scale))
    with torch.inference_mode():
        result = network(small)
    return psnr(result, truth) - psnr(imresize(small, network.scale), truth)
