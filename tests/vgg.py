"""Weights of a small VGG19, for tests of what compares its features."""

from __future__ import annotations

import torch

from napari_sr.training.losses._vgg import BLOCKS, NAMES


def small_vgg():
    """Return weights of a VGG19 of two features, under torchvision's names."""
    torch.manual_seed(0)
    made, inputs = {"classifier.6.bias": torch.rand(4)}, 3
    for place, name in enumerate(NAMES):
        if name.startswith("conv"):
            outputs = 2 * BLOCKS[int(name[4]) - 1][0]
            made[f"features.{place}.weight"] = torch.randn(outputs, inputs, 3, 3) / inputs**0.5
            made[f"features.{place}.bias"] = torch.randn(outputs)
            inputs = outputs
    return made
