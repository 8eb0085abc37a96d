"""The running mean of weights."""

from __future__ import annotations

import torch

from napari_sr.models.srgan import SRGAN
from napari_sr.training.average import EMA


def test_the_mean_is_the_geometric_one_of_all_weights_and_copies_moments():
    network = SRGAN(scale=2, features=2, blocks=1)
    average = EMA(network, 0.9)
    expected = network.tail.weight.detach().double()

    for step in range(30):
        with torch.no_grad():
            network.tail.weight += 1
            network.blocks[0].first.norm.running_mean += 1
        average.follow(network, step)
        decay = min(0.9, (step + 1) / (step + 10))
        expected = decay * expected + (1 - decay) * network.tail.weight.double()

    torch.testing.assert_close(average.network.tail.weight.double(), expected, rtol=1e-5, atol=1e-5)
    assert torch.equal(average.network.blocks[0].first.norm.running_mean, torch.full((2,), 30.0))
    assert not average.network.training
    assert not average.network.tail.weight.requires_grad
