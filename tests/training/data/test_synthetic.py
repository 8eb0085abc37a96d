"""Synthetic fluorescence: repeatable, different, bright on dark, and sharp."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_sr.training.data import synthetic
from napari_sr.training.data.synthetic import KINDS, SyntheticImages, drawn


def test_pictures_are_functions_of_seed_and_number(monkeypatch):
    one, more, other = (
        SyntheticImages(2, size=32),
        SyntheticImages(3, size=32),
        SyntheticImages(2, size=32, seed=1),
    )
    first = [picture.whole() for picture in one.pictures()]
    drawn.cache_clear()

    again = [picture.whole() for picture in more.pictures()]

    assert all(map(torch.equal, first, again))
    assert not torch.equal(first[0], first[1])
    assert not torch.equal(first[0], other.pictures()[0].whole())


def test_a_crop_is_that_part_of_the_whole():
    picture = SyntheticImages(1, size=40).pictures()[0]

    crop = picture.crop(slice(3, 20), slice(30, 40))

    assert (picture.height, picture.width, picture.channels, picture.steps) == (40, 40, 1, 65_535)
    assert torch.equal(crop, picture.whole()[:, 3:20, 30:40])


def test_nothing_is_drawn_before_it_is_read():
    drawn.cache_clear()

    SyntheticImages(1000).pictures()

    assert drawn.cache_info().currsize == 0


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_kind_is_bright_on_darkness(kind, random):
    images = [kind(random, 64) for _ in range(6)]

    for image in images:
        assert image.shape == (64, 64)
        assert np.isfinite(image).all()
        assert image.min() >= 0
        assert image.max() > 0
        assert np.median(image) < 0.5 * np.quantile(image, 0.999)


def test_membranes_are_equally_far_from_two_middles(monkeypatch):
    # two middles, at a quarter and three quarters, have their border between them
    monkeypatch.setattr(synthetic, "_haze", lambda random, size: np.ones((size, size)))

    class Fixed:
        def __init__(self):
            self.answers = iter([np.array([[0.5, 0.25], [0.5, 0.75]]), 1.0])

        def integers(self, *bounds):
            return 2

        def uniform(self, *bounds):
            return next(self.answers)

    image = synthetic._membranes(Fixed(), 32)

    # half a pixel from column 16, and one of sigma 1 wide
    np.testing.assert_allclose(image[:, 15:18], np.exp([[-1 / 2, 0, -1 / 2]]).repeat(32, 0))
    assert image[:, :10].max() < 1e-6


def test_points_keep_their_place_and_their_light():
    places = np.array([[4.0, 7.25], [-0.5, 2.0], [20.0, 3.0]])

    image = synthetic._placed(places, np.array([2.0, 1.0, 5.0]), 16)

    # the third is outside, and of the second half is
    assert image.sum() == pytest.approx(2 + 0.5)
    assert image[4, 7:9].tolist() == pytest.approx([1.5, 0.5])
    assert image[0, 2] == pytest.approx(0.5)


@pytest.mark.parametrize(
    "wrong", [{"count": -1}, {"count": 1, "size": 15}, {"count": 1, "seed": -1}]
)
def test_numbers_out_of_bounds_are_refused(wrong):
    with pytest.raises(ValueError, match=f"{list(wrong)[-1]}={list(wrong.values())[-1]}"):
        SyntheticImages(**wrong)
