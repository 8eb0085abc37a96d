"""Noisy sources are held out with what results are compared with."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from noisy import photons, picture, waves
from trainings import tiny

from napari_sr.training.data.noise_model import NoiseModel
from napari_sr.training.data.training_data import TrainingData
from napari_sr.training.noisy_pairs import PROBE, REALISATIONS, held_out_pairs

NOISE = {"read_noise": 0.1}


def pairs_of(kind, source, **options):
    config = tiny(data={"grey": True, "degradation": {"kind": kind, "options": options}})
    return held_out_pairs(TrainingData([], [source]), config, channels=1, takes_noise=False)


def test_known_noise_is_probed_and_the_source_is_the_target(random):
    source = picture(photons(random, waves(96)))

    pairs = pairs_of("recorruption", source, noise=NOISE)

    assert len(pairs) == REALISATIONS
    for pair in pairs:
        assert torch.equal(pair.source, pair.target)
        assert pair.noise == pytest.approx(0.1**2)
        assert float(pair.probe.std()) == pytest.approx(0.1 * PROBE, rel=0.05)
    assert not torch.equal(pairs[0].probe, pairs[1].probe)


def test_given_noise_that_hides_errors_is_replaced_by_what_the_picture_shows(random):
    """With twice the noise, a network that was 1 dB better was promised to be 8 dB better."""
    shown = replace(picture(photons(random, waves(96))), noise=NoiseModel(read_noise=0.1))

    too_much = pairs_of("recorruption", shown, noise={"read_noise": 0.2})
    little = pairs_of("recorruption", shown, noise={"read_noise": 0.05})

    assert [pair.noise for pair in too_much] == pytest.approx([0.1**2] * REALISATIONS)
    assert [pair.noise for pair in little] == pytest.approx([0.05**2] * REALISATIONS)


def test_the_coarse_source_has_as_much_noise_as_the_source(random):
    source = picture(np.full((96, 96), 0.5) + random.normal(0, 0.1, (96, 96)))

    pair = pairs_of("recorruption", source, noise=NOISE)[0]

    assert pair.coarse.shape == (1, 48, 48)
    assert float(pair.coarse.std()) == pytest.approx(0.1, rel=0.1)


def test_with_a_spot_or_in_a_small_image_no_finer_errors_are_compared(random):
    pixels = photons(random, waves(96))

    (first, *_) = pairs_of("recorruption", picture(pixels), noise=NOISE, spot={"sigma": 1.0})
    (second, *_) = pairs_of("recorruption", picture(pixels[:10]), noise=NOISE)

    assert first.coarse is None
    assert second.coarse is None


def test_unknown_noise_is_compared_with_a_second_version(random):
    pair = pairs_of("blind_spots", picture(photons(random, waves(96))))[0]

    assert pair.probe is None
    assert pair.noise == 0
    assert pair.target.isnan().any()
