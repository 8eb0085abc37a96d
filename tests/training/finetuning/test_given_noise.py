"""A given noise is compared with what the image shows."""

from __future__ import annotations

import numpy as np
import pytest
from noisy import waves

from napari_sr.training.data.noise_model import NoiseModel
from napari_sr.training.data.pictures import of_array
from napari_sr.training.finetuning.given_noise import check_given, unlike

RIGHT = NoiseModel(2.0, 100.0, 1.6)


@pytest.fixture
def camera(random):
    """Return a camera image of up to 45 photons: gain 2, offset 100, read noise 1.6 photons."""
    photons = random.poisson(50 * waves(128)) + random.normal(0, 1.6, (128, 128))
    pixels = np.clip((100 + 2 * photons).round(), 0, 65535).astype(np.uint16)
    return of_array(pixels, axes="YX", value_range=(90.0, 250.0), name="cells")[0]


@pytest.mark.parametrize("noise", [RIGHT, NoiseModel(2.4, 100.0, 1.0), NoiseModel(1.9, 104.0, 1.8)])
def test_a_noise_like_that_of_the_image_is_accepted(camera, noise):
    check_given(camera, noise)

    assert unlike("cells", [camera], noise) == ""


def test_the_noise_of_few_photons_is_compared_where_there_is_light(random):
    light = 1.6 + 20 * waves(128) ** 6  # mostly dark
    pixels = 100 + 12 * random.poisson(light) + random.normal(0, 10, light.shape)
    picture = of_array(pixels, axes="YX", value_range=(60.0, 450.0), name="cells")[0]

    assert unlike("cells", [picture], NoiseModel(12.0, 100.0, 10 / 12)) == ""


@pytest.mark.parametrize("noise", [NoiseModel(1000.0, 100.0, 1.6), NoiseModel(0, 0, 60.0)])
def test_far_too_much_noise_is_refused_with_both_values(camera, noise):
    with pytest.raises(ValueError, match=r"suit cells: at the value \S+, it would be \d.*, but the "
                       r"image shows \d.*; it looks like gain [12]\.\d+, offset"):  # fmt: skip
        check_given(camera, noise)


def test_an_offset_above_many_values_is_refused(camera):
    with pytest.raises(ValueError, match=r"\d+% of its values are clearly below the offset 170"):
        check_given(camera, NoiseModel(2.0, 170.0, 1.6))


@pytest.mark.parametrize("noise", [NoiseModel(0.2, 100.0, 1.6), NoiseModel(8.0, 100.0, 1.6)])
def test_another_gain_is_told(camera, noise):
    check_given(camera, noise)

    told = unlike("cells", [camera], noise)

    assert told.startswith("the given noise of cells is ")
    assert "but the image shows " in told
    assert "like gain " in told
