"""Images from which nothing can be learnt are refused; noise is estimated from the others."""

from __future__ import annotations

import re

import numpy as np
import pytest
from noisy import photons, picture, waves

from napari_sr.training.data.noise_model import NoiseModel
from napari_sr.training.data.pictures import of_array
from napari_sr.training.data.recorruption import Recorruption
from napari_sr.training.finetuning.self_supervision import SelfSupervision
from napari_sr.training.finetuning.sources import (
    check_image,
    check_source,
    faint,
    fitted,
    with_noise,
)

USUAL = SelfSupervision()


def spoilt(random):
    """Yield images from which nothing can be learnt, and what is wrong with them."""
    saturated = photons(random, waves()).clip(0, 0.6)
    return [
        (waves(20), "too small to learn from: it has 20 x 20 pixels, and needs 32 x 32"),
        (np.full((64, 64), 0.5), "is constant"),
        (saturated, "is saturated: [0-9]+[.][0-9]% of its pixels have its largest value"),
        (photons(random, np.full((64, 64), 0.5)),
         r"has too few photons: the means of 8 x 8 pixels vary [01]\.[0-9]+ times as much"),
    ]  # fmt: skip


@pytest.mark.parametrize("number", range(4))
def test_images_without_anything_to_learn_are_refused(number, random):
    pixels, message = spoilt(random)[number]

    with pytest.raises(ValueError, match=message):
        check_source(picture(pixels), USUAL)


def test_a_noisy_image_with_structure_is_fine(random):
    check_source(picture(photons(random, waves(), gain=0.2)), USUAL)


def test_thinning_is_refused_where_noise_does_not_grow():
    settings = SelfSupervision("thinning", noise=NoiseModel(read_noise=0.1))

    with pytest.raises(ValueError, match="in array it does not"):
        check_source(picture(waves()), settings)


def test_some_planes_of_a_stack_may_be_empty(random):
    stack = np.zeros((8, 64, 64), np.float32)
    stack[4:] = photons(random, waves())
    pictures = of_array(stack, axes="ZYX", value_range=(0.0, 1.0))

    check_image(pictures, USUAL)
    with pytest.raises(ValueError, match=r"plane .0,. is constant"):
        check_image(pictures[:4], USUAL)


def test_noise_of_one_image_is_estimated_in_its_pixel_values(random):
    pixels = 100 + 50 * photons(random, waves(128))
    pictures = of_array(pixels, axes="YX", value_range=(0.0, 1000.0))

    found = fitted(USUAL, [pictures]).noise

    assert found.gain == pytest.approx(50 * 0.02, rel=0.3)
    assert 100 < found.offset < 125


@pytest.mark.parametrize(
    "settings", [SelfSupervision("blind_spots"), SelfSupervision(noise=NoiseModel(1.0))]
)
def test_noise_is_not_estimated_if_given_or_not_needed(settings, random):
    assert fitted(settings, [[picture(photons(random, waves()))]]).noise == settings.noise


def test_several_images_have_noise_of_their_own(random):
    image = [picture(photons(random, waves()))]

    assert not fitted(USUAL, [image, image]).noise.given


def test_a_penaltys_weight_is_relative_to_the_noise(random):
    settings = SelfSupervision(penalty="hessian", weight=0.1)

    found = fitted(settings, [[picture(waves() + random.normal(0, 0.05, (64, 64)))]])

    assert found.weight == pytest.approx(0.1 * 0.05, rel=0.15)


def test_each_image_has_its_own_noise_also_in_small_parts(random):
    images = [[picture(photons(random, waves(), gain=gain))] for gain in (0.02, 0.1)]

    found = [pictures[0].part(slice(0, 9), slice(0, 9)) for pictures in with_noise(images)]

    gains = [Recorruption().fitted(one).noise.gain for one in found]
    assert gains == pytest.approx([0.02, 0.1], rel=0.4)


@pytest.mark.parametrize(
    ("height", "words"), [(100, "span 11[0-9] to 1[0-9]{2}, 0[.]1% of the range"), (60_000, "^$")]
)
def test_values_in_a_small_part_of_the_range_are_told(height, words):
    pixels = (100 + height * waves()).astype(np.uint16)

    assert re.search(words, faint("cells", of_array(pixels, axes="YX")))
