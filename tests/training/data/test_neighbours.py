from __future__ import annotations

import torch

from napari_sr.training.data.neighbours import Neighbours
from napari_sr.training.data.noise_model import NoiseModel


def test_the_targets_noise_is_that_of_a_frame():
    variance = Neighbours(noise=NoiseModel(read_noise=3.0)).target_variance(torch.rand(1, 5, 5))

    assert variance.unique().tolist() == [9.0]
