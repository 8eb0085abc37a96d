"""Held-out images are upscaled as users will upscale them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from noisy import waves

import napari_sr
from napari_sr import models
from napari_sr.training.upscaled import upscaled


@pytest.mark.parametrize("name", ["fsrcnn", "edsr"])
def test_the_result_is_that_of_upscale_to_its_border(name):
    record = models.architecture(name)
    torch.manual_seed(0)
    network = record.network(**{**record.example, "scale": 2, "channels": 1}).eval()
    network.full_range = True
    image = waves(30).astype(np.float32)

    found = upscaled(network, torch.from_numpy(image)[None])

    expected = napari_sr.upscale(
        image, network, value_range=(0.0, 1.0), device="cpu", engine="torch", outliers="keep"
    )
    np.testing.assert_allclose(found[0], expected, atol=1e-5)
