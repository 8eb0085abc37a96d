"""A network keeps the intensities, where its last layer scales and shifts results uniformly."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from noisy import photons, picture, waves
from trainings import tiny

import napari_sr
from napari_sr import models
from napari_sr.models.fsrcnn import FSRCNN
from napari_sr.training.intensity import SHARE, keep_intensity

CONFIG = tiny(data={"degradation": {"kind": "recorruption"}, "grey": True})


def network_of(name):
    record = models.architecture(name)
    network = record.network(**{**record.example, "scale": 2}).eval()
    torch.manual_seed(0)
    return network


@pytest.mark.parametrize("name", ["fsrcnn", "espcn", "edsr"])
def test_the_mean_becomes_that_of_the_pictures(name, random):
    network = network_of(name)
    pictures = [picture(photons(random, waves(size))) for size in (40, 64)]

    changed = keep_intensity(network, pictures, CONFIG)

    assert changed
    how = {"axes": "YX", "value_range": (0.0, 1.0), "device": "cpu", "engine": "torch"}
    network.full_range = True
    sources = [one.whole()[0].numpy() for one in pictures]
    results = [napari_sr.upscale(one, network, **how, outliers="keep") for one in sources]
    total = sum(float(one.sum()) for one in sources)
    assert sum(float(one.sum()) / 4 for one in results) == pytest.approx(total, rel=1e-3)


def corrected(pixels, contrast):
    """Return the relative change of the last weights of a network whose contrast was lowered."""
    network = napari_sr.load("micrograph", 2)
    *_, weight, bias = (one.detach() for one in network.parameters())
    before = weight.clone()
    weight *= contrast
    bias *= contrast
    assert keep_intensity(network, [picture(pixels)], CONFIG)
    return float((weight / before).mean())


def test_areas_keep_their_intensity_unless_the_network_has_not_learnt_yet(random):
    pixels = photons(random, waves(96), 0.005)

    right = corrected(pixels, 1.0)

    assert corrected(pixels, 0.95) == pytest.approx(right - SHARE * 0.05, rel=2e-3)
    assert corrected(pixels, 0.4) == pytest.approx(0.4)


def test_nothing_changes_if_the_last_bias_is_not_a_shift(random):
    class Squared(FSRCNN):
        def forward(self, image):
            return super().forward(image) ** 2

    network = Squared(scale=2, channels=1, features=8, shrunk=4, layers=1).eval()
    before = {key: one.clone() for key, one in network.state_dict().items()}

    assert not keep_intensity(network, [picture(photons(random, waves()))], CONFIG)
    assert all(torch.equal(one, before[key]) for key, one in network.state_dict().items())


def test_values_that_are_not_finite_change_nothing(random):
    network = network_of("fsrcnn")
    with torch.no_grad():
        next(network.parameters()).fill_(torch.nan)

    assert not keep_intensity(network, [picture(np.ones((32, 32)))], CONFIG)
