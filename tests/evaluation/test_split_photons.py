"""Photons of a source, split at random."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from napari_sr.evaluation import single_frc
from napari_sr.evaluation.resolution_images import Camera, Images
from napari_sr.evaluation.split_photons import split_photons
from napari_sr.runs.run import drive


@pytest.fixture
def photons(random):
    scene = gaussian_filter(random.random((96, 80)), 3, mode="wrap")
    return random.poisson((scene - scene.min()) / np.ptp(scene) * 100)


def split(source, camera):
    return drive(split_photons(Images.of(source), camera, None, 0.1))


def test_a_grey_source_has_one_split(photons):
    [found] = split(photons, Camera(1.0))

    expected = single_frc(photons, "counts", gain=1.0, pixel_size=0.1)
    assert found.source.resolution == expected.resolution
    assert (found.colour, found.result, found.reason) == ("", None, "")


def test_a_wrong_offset_of_one_colour_is_a_reason(photons):
    colours = np.stack([photons + 50, photons, photons + 50], axis=-1)

    red, green, blue = split(colours, Camera(1.0, offset=50.0))

    assert green.source is None
    assert "offset" in green.reason
    assert red.source.resolution == blue.source.resolution


def test_a_wrong_gain_is_refused(photons):
    with pytest.raises(ValueError, match="a gain above 0"):
        split(photons, Camera(-1.0))
