"""PSNR of a network on held-out pairs."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_sr.evaluation._psnr import psnr
from napari_sr.models.fsrcnn import FSRCNN
from napari_sr.training.judge import judge


@pytest.mark.parametrize("channels", [1, 3])
def test_the_mean_psnr_leaves_the_border_out(channels):
    torch.manual_seed(0)
    network = FSRCNN(scale=2, channels=channels, features=4, shrunk=2, layers=1).train()
    pairs = [(torch.rand(channels, 9, 8), torch.rand(channels, 18, 16)) for _ in range(2)]

    found = judge(network, pairs)

    with torch.no_grad():
        results = [network(small[None])[0].clamp(0, 1) for small, _ in pairs]
    expected = [
        psnr(np.moveaxis(ours.numpy(), 0, 2), np.moveaxis(large.numpy(), 0, 2), border=2)
        for ours, (_, large) in zip(results, pairs, strict=True)
    ]
    assert found == pytest.approx(np.mean(expected), abs=1e-9)
    assert network.training, "a network that trains goes on training"
