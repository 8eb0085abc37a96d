"""Values beyond a network's limits: clipped, and interpolated."""

from __future__ import annotations

import numpy as np
import pytest

import napari_sr
from napari_sr.engine.image.conversion import fill_missing
from napari_sr.engine.image.excess import Excess
from napari_sr.engine.image.plane_values import PlaneValues, ValueRange
from napari_sr.engine.image.value_range import Percentiles
from napari_sr.evaluation import imresize

LIMITS = 0.0, 1.0
OPTIONS = {"device": "cpu", "engine": "torch", "axes": "YX", "outliers": "keep"}


def excess_of(pixels, corrections=0):
    values = PlaneValues(fill_missing(pixels), ValueRange(0.0, 100.0), pixels.dtype)
    return Excess(values, LIMITS, corrections)


@pytest.fixture
def pixels(random):
    """Values from -50 to 150, where 0 is black and 100 is white."""
    return (200 * random.random((9, 11, 1)) - 50).astype(np.float32)


def whole(pixels):
    return slice(0, pixels.shape[0]), slice(0, pixels.shape[1])


def test_a_plane_within_the_limits_is_not_touched(pixels):
    inside = pixels.clip(0, 100)
    excess = excess_of(inside)

    assert not excess.exists
    assert excess.enlarged(*whole(inside), 2) is None
    np.testing.assert_array_equal(excess.clipped(inside / 100), inside / 100)


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_what_is_clipped_is_enlarged_by_bicubic_interpolation(pixels, scale):
    excess = excess_of(pixels)
    encoded = pixels / 100

    found = excess.enlarged(*whole(pixels), scale)

    clipped = excess.clipped(encoded.copy())
    np.testing.assert_array_equal(clipped, encoded.clip(0, 1))
    expected = imresize((encoded - clipped)[..., 0].astype(float), scale)
    np.testing.assert_allclose(found[..., 0], expected, atol=1e-6)


def test_parts_equal_the_whole_bit_by_bit(pixels):
    excess = excess_of(pixels)
    large = excess.enlarged(*whole(pixels), 3)

    for rows, columns in ((slice(0, 4), slice(5, 11)), (slice(3, 9), slice(0, 1))):
        part = excess.enlarged(rows, columns, 3)
        expected = large[3 * rows.start : 3 * rows.stop, 3 * columns.start : 3 * columns.stop]
        np.testing.assert_array_equal(part, expected)


def test_a_part_without_excess_is_left_alone():
    pixels = np.full((20, 20, 1), 50, np.float32)
    pixels[2, 2] = 300

    excess = excess_of(pixels)

    assert excess.enlarged(slice(0, 6), slice(0, 6), 2).max() > 1
    assert excess.enlarged(slice(10, 20), slice(0, 20), 2) is None


def test_opacity_is_neither_clipped_nor_interpolated(random):
    pixels = (200 * random.random((6, 6, 4))).astype(np.float32)
    excess = excess_of(pixels)
    encoded = excess._values.encode(pixels)

    found = excess.enlarged(*whole(pixels), 2)

    np.testing.assert_array_equal(excess.clipped(encoded.copy())[..., 3], encoded[..., 3])
    assert not found[..., 3].any()
    assert found[..., :3].any()


@pytest.mark.parametrize("scale", [2, 4])
def test_a_consistent_rest_agrees_with_what_was_clipped(pixels, scale):
    excess = excess_of(pixels, corrections=3)
    encoded = pixels / 100
    rest = (encoded - encoded.clip(0, 1))[..., 0]

    found = excess.enlarged(*whole(pixels), scale)
    part = excess.enlarged(slice(2, 7), slice(0, 4), scale)

    plain = excess_of(pixels).enlarged(*whole(pixels), scale)
    errors = [np.std(imresize(one[..., 0], 1 / scale) - rest) for one in (found, plain)]
    assert errors[0] < errors[1] / 3
    np.testing.assert_allclose(part, found[2 * scale : 7 * scale, : 4 * scale], atol=1e-6)


@pytest.mark.parametrize("tile", [None, 24])
def test_consistent_results_agree_beyond_white_too(network, tile):
    image = np.full((40, 37), 0.5, np.float32)
    image[10:13, 20] = 20
    errors = []
    for consistent in (False, True):
        found = upscaled(image, network, consistent=consistent, tile=tile)
        errors.append(np.std(imresize(found.astype(float), 1 / network.scale) - image))

    assert errors[1] < errors[0] / 3


@pytest.fixture
def network(example):
    """A purely convolutional network with limits, and random weights."""
    return example("imdn_ntire")


@pytest.fixture
def image(random):
    pixels = random.random((40, 37)).astype(np.float32)
    pixels[10:13, 20] = 2.5
    pixels[30, 5] = -1
    return pixels


def upscaled(image, network, **options):
    return napari_sr.upscale(image, network, value_range=(0, 1), **OPTIONS, **options)


def test_the_result_is_that_of_clipped_values_and_the_interpolated_rest(network, image):
    inside = image.clip(0, 1)
    rest = upscaled(image - inside, napari_sr.load("bicubic", network.scale))

    expected = upscaled(inside, network) + rest

    np.testing.assert_allclose(upscaled(image, network), expected, atol=1e-5)


def test_every_way_of_running_gives_the_same_pixels(network, image):
    whole = upscaled(image, network)
    scale = network.scale

    tiles = upscaled(image, network, tile=24, halo=None)
    region = upscaled(image, network, region=((5, 33), (2, 30)))
    lazy = napari_sr.upscale_lazy(image, network, value_range=(0, 1), **OPTIONS)
    out = upscaled(image, network, out=np.empty_like(whole))

    np.testing.assert_allclose(tiles, whole, atol=1e-6)
    part = whole[5 * scale : 33 * scale, 2 * scale : 30 * scale]
    np.testing.assert_allclose(region, part, atol=1e-6)
    np.testing.assert_allclose(np.asarray(lazy), whole, atol=1e-6)
    np.testing.assert_allclose(out, whole, atol=1e-6)


def test_the_mean_of_eight_views_turns_with_the_image(network, image):
    found = upscaled(image, network, ensemble=True)
    turned = upscaled(image.T.copy(), network, ensemble=True)

    np.testing.assert_allclose(turned.T, found, atol=1e-5)


def test_values_within_the_limits_give_the_bits_of_a_network_without_limits(network, image):
    inside = image.clip(0, 1)
    before = upscaled(inside, network)
    network.input_limits = None

    np.testing.assert_array_equal(upscaled(inside, network), before)
    assert not np.array_equal(upscaled(image, network), before)


@pytest.mark.parametrize("name", ["bsrn", "bsrn_s", "rfdn", "imdn", "imdn_ntire"])
def test_networks_that_break_down_have_limits(example, name):
    assert example(name).input_limits == (0.0, 1.0)


def test_percentiles_and_colours_are_clipped_too(example, random):
    network = example("rfdn")
    image = random.random((40, 40, 3)).astype(np.float32)
    values = Percentiles(20, 80)

    found = napari_sr.upscale(image, network, value_range=values, **{**OPTIONS, "axes": "YXC"})

    low, high = np.percentile(image, (20, 80))
    clipped = napari_sr.upscale(
        image.clip(low, high), network, value_range=(low, high), **{**OPTIONS, "axes": "YXC"}
    )
    scale, flat = network.scale, (image >= low) & (image <= high)
    near = np.lib.stride_tricks.sliding_window_view(flat, (5, 5, 3)).all(axis=(3, 4, 5))
    near = np.pad(near[..., 0], 2).repeat(scale, 0).repeat(scale, 1)
    np.testing.assert_allclose(found[near], clipped[near], atol=1e-5)
    assert not np.allclose(found, clipped, atol=1e-3)
