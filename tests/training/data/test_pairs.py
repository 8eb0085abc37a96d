"""Pairs: a part of a pair is that part of the whole pair."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_sr.layers.colour import rgb_to_ycbcr
from napari_sr.training.data import pairs as module
from napari_sr.training.data.bicubic import Bicubic
from napari_sr.training.data.blur import Blur
from napari_sr.training.data.camera import Camera
from napari_sr.training.data.microscope import Microscope
from napari_sr.training.data.optics import Optics
from napari_sr.training.data.pairs import Pairs
from napari_sr.training.data.pictures import of_array

WINDOWS = [(slice(0, 4), slice(0, 5)), (slice(3, 9), slice(5, 8)), (slice(10, 13), slice(11, 16))]


@pytest.fixture(params=[np.uint8, np.uint16, np.float32], ids=lambda dtype: dtype.__name__)
def pictures(request, random):
    white = 1 if request.param is np.float32 else np.iinfo(request.param).max
    return of_array((random.random((41, 50, 3)) * white).astype(request.param))


@pytest.mark.parametrize("kept", [True, False])
@pytest.mark.parametrize("degradation", [Bicubic(), Blur(1.3)], ids=lambda one: type(one).__name__)
def test_a_window_is_bit_for_bit_that_part_of_the_whole(pictures, degradation, kept, random):
    pairs = Pairs(pictures, degradation, scale=3, channels=3, memory=kept * 10**9)
    whole = Pairs(pictures, degradation, scale=3, channels=3).whole(0, random)

    for rows, columns in WINDOWS:
        lr, hr = pairs.window(0, rows, columns, random)

        assert torch.equal(lr, whole[0][:, rows, columns])
        down, across = (slice(3 * span.start, 3 * span.stop) for span in (rows, columns))
        assert torch.equal(hr, whole[1][:, down, across])


def test_a_picture_too_large_to_be_shrunk_whole_gives_the_same(pictures, random, monkeypatch):
    pairs = Pairs(pictures, Bicubic(), scale=2, channels=3)
    rows, columns = WINDOWS[1]
    expected = pairs.window(0, rows, columns, random)
    monkeypatch.setattr(module, "LARGEST", 10)

    found = Pairs(pictures, Bicubic(), scale=2, channels=3).window(0, rows, columns, random)

    assert all(map(torch.equal, found, expected))


def test_a_microscopes_window_is_that_part_but_for_the_last_digit(random):
    pictures = of_array(random.random((60, 60)))
    noiseless = Camera(photons=1e9, read_noise=0, offset=0, bits=32)
    pairs = Pairs(pictures, Microscope(Optics(aperture=1.3), noiseless), scale=2, channels=1)
    whole, _ = pairs.whole(0, random)

    for rows, columns in WINDOWS:
        lr, _ = pairs.window(0, rows, columns, random)
        # a billion photons vary by 3e-5
        torch.testing.assert_close(lr, whole[:, rows, columns], atol=3e-4, rtol=0)


def test_noise_is_new_for_every_window_and_the_same_for_one_seed(random):
    pairs = Pairs(of_array(random.random((40, 40))), Microscope(), scale=2, channels=1)

    found = [pairs.window(0, *WINDOWS[0], np.random.default_rng(seed))[0] for seed in (1, 1, 2)]

    assert torch.equal(found[0], found[1])
    assert not torch.equal(found[0], found[2])


def test_luma_is_taken_of_what_was_shrunk_in_colour(random):
    pictures = of_array(random.integers(0, 256, (20, 20, 3), dtype=np.uint8))
    colour = Pairs(pictures, Bicubic(), scale=2, channels=3).whole(0, random)

    luma = Pairs(pictures, Bicubic(), scale=2, channels=1).whole(0, random)

    for one, three in zip(luma, colour, strict=True):
        torch.testing.assert_close(one, rgb_to_ycbcr(three[None])[0, :1])


def test_grey_is_three_equal_channels_and_stays_itself(random):
    pictures = of_array(random.integers(0, 256, (20, 20), dtype=np.uint8))

    grey, colour = (
        Pairs(pictures, Bicubic(), scale=2, channels=channels, full_range=True).whole(0, random)
        for channels in (1, 3)
    )

    assert torch.equal(grey[1][0], pictures[0].whole()[0])
    for one, three in zip(grey, colour, strict=True):
        assert torch.equal(one.expand(3, -1, -1), three)


@pytest.mark.parametrize("shape", [(20, 20), (20, 20, 3)])
def test_a_network_of_luma_sees_grey_as_luma_and_one_of_the_full_range_luma_as_grey(shape, random):
    pictures = of_array(random.integers(0, 256, shape, dtype=np.uint8))

    luma, grey = (
        Pairs(pictures, Bicubic(), scale=2, channels=1, full_range=full_range).whole(0, random)
        for full_range in (False, True)
    )

    for one, other in zip(luma, grey, strict=True):
        torch.testing.assert_close(one, (16 + 219 * other) / 255)


def test_rows_beyond_a_multiple_of_the_scale_are_left_out(random):
    pairs = Pairs(of_array(random.random((13, 11))), Bicubic(), scale=4, channels=1)

    lr, hr = pairs.whole(0, random)

    assert (tuple(lr.shape), tuple(hr.shape)) == ((1, 3, 2), (1, 12, 8))


@pytest.mark.parametrize(("scale", "channels"), [(0, 1), (2.0, 1), (2, 2)])
def test_wrong_numbers_are_refused(scale, channels):
    pictures = of_array(np.zeros((8, 8), np.uint8))

    with pytest.raises(ValueError, match=f"got scale={scale}, channels={channels}"):
        Pairs(pictures, Bicubic(), scale=scale, channels=channels)


def test_no_pictures_are_refused():
    with pytest.raises(ValueError, match="at least one picture, got none"):
        Pairs([], Bicubic(), scale=2, channels=1)


def test_a_picture_smaller_than_a_small_pixel_is_named():
    pictures = of_array(np.zeros((2, 8), np.uint8), name="cells")

    with pytest.raises(ValueError, match="cells is too small for scale 3: it has 2 x 8 pixels"):
        Pairs(pictures, Bicubic(), scale=3, channels=1)


def test_pairs_that_were_recorded_are_taken_as_they_are(random):
    hr = of_array(random.integers(0, 256, (2, 20, 31), dtype=np.uint8), name="large")
    lr = of_array(random.integers(0, 4096, (2, 10, 15), dtype=np.uint16), name="small")

    pairs = Pairs(hr, lr, scale=2, channels=1, full_range=True)

    rows, columns = slice(2, 6), slice(7, 12)
    expected = lr[1].crop(rows, columns), hr[1].crop(slice(4, 12), slice(14, 24))
    assert all(map(torch.equal, pairs.window(1, rows, columns, random), expected))


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        ((2, 10, 15), "each HR picture needs its LR picture, got 1 HR and 2 LR"),
        ((11, 15), "small must be large .* got 11 x 15 pixels .* 20 x 30 pixels of 1 channels"),
        ((10, 15, 3), "got 10 x 15 pixels of 3"),
    ],
)
def test_recorded_pairs_that_do_not_fit_are_named(shape, words):
    hr = of_array(np.zeros((20, 30), np.uint8), name="large")

    with pytest.raises(ValueError, match=words):
        Pairs(hr, of_array(np.zeros(shape, np.uint8), name="small"), scale=2, channels=1)
