"""Two networks in series give the result of the second for the result of the first."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from fakes import Chunked, Global, Nearest, Pooled
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter

import napari_sr
from napari_sr import models
from napari_sr.zoo.series import Series


def small(name, **options):
    """Return the small instance of a network with random weights."""
    record = models.architecture(name)
    torch.manual_seed(len(name))
    return record.network(**{**record.example, **options}).eval()


def restoring(radius=2, channels=1):
    return Nearest(scale=1, channels=channels, radius=radius)


def upscale(image, network, **options):
    chosen = {"device": "cpu", "engine": "torch", **options}
    return napari_sr.upscale(image, network, **chosen)


@pytest.mark.parametrize("second", ["fsrcnn", "bsrn", "imdn", "rfdn", "esrt", "lapsrn"])
def test_the_second_network_reads_the_result_of_the_first(second):
    later = small(second, scale=2)
    first = restoring(0, channels=later.channels)
    if later.channels == 1:
        first.full_range = later.full_range
    image = 2 * torch.rand(1, first.channels, 24, 28) - 0.5

    found = Series(first, later)(image)

    between = first(image)
    limits = later.input_limits
    torch.testing.assert_close(found, later(between if limits is None else between.clamp(*limits)))


@given(tile=st.integers(30, 60), height=st.integers(50, 80), width=st.integers(50, 80))
@pytest.mark.parametrize("second", [Global, Pooled, Chunked, Nearest])
def test_tiles_give_the_result_of_the_whole_plane(second, tile, height, width):
    random = np.random.default_rng(tile)
    image = random.random((height, width)).astype(np.float32)
    network = Series(restoring(), second(scale=2)).eval()

    found = upscale(image, network, tile=tile)

    np.testing.assert_allclose(found, upscale(image, network, tile=200), rtol=0, atol=2e-6)


@pytest.mark.parametrize("scales", [(2, 2), (3, 2), (2, 1), (1, 4)])
@pytest.mark.parametrize("tile", [22, 35])
def test_both_networks_may_enlarge(scales, tile, random):
    first = Nearest(scale=scales[0], radius=1)
    second = Nearest(scale=scales[1], radius=3)
    network = Series(first, second).eval()
    image = gaussian_filter(random.random((61, 70)), 1).astype(np.float32)

    found = upscale(image, network, tile=tile, border="zeros")

    expected = second(first(torch.from_numpy(image)[None, None]))[0, 0].detach().numpy()
    assert network.scale == scales[0] * scales[1]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("full_range", [(True, False), (False, True), (False, False)])
def test_grey_and_luma_are_converted_between_networks(full_range, random):
    first, second = restoring(1), Nearest(scale=2, radius=1)
    first.full_range, second.full_range = full_range
    image = random.random((20, 22)).astype(np.float32)
    network = Series(first, second).eval()

    found = upscale(image, network, border="zeros")

    between = upscale(image, first, border="zeros")
    expected = upscale(between, second, border="zeros")
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)


def test_sizes_and_alignment_suit_both_networks():
    first = Nearest(scale=2, multiple=3, least_size=4)
    second = Nearest(scale=2, multiple=4, least_size=20)

    network = Series(first, second)

    assert (network.multiple, network.least_size, network.tile_alignment) == (6, 10, 6)


def test_a_flat_image_stays_flat_to_its_edges():
    network = Series(napari_sr.load("fsrcnn", 2), napari_sr.load("fsrcnn", 2)).eval()

    found = upscale(np.full((40, 40), 200, np.uint8), network)

    assert np.abs(found.astype(int) - int(found[40, 40])).max() <= 1


def test_values_beyond_white_keep_their_brightness(random):
    second = small("bsrn", scale=2, channels=3)
    image = random.random((40, 40, 3)).astype(np.float32)
    image[10:20, 10:20] += 3
    network = Series(restoring(1, channels=3), second).eval()

    found = upscale(image, network, value_range=(0, 1))

    assert found[26:34, 26:34].mean() > 2


@pytest.mark.parametrize(
    ("first", "second", "why"),
    [
        (restoring(channels=3), Nearest(scale=2), "got 1 after 3"),
        (Nearest(scale=2), Global(scale=2), "enlarges 2 times: it gathers values"),
    ],
)
def test_networks_that_do_not_fit_are_refused(first, second, why):
    with pytest.raises(ValueError, match=why):
        Series(first, second)


def test_a_network_that_takes_the_noise_must_be_the_first():
    later = Nearest(scale=2)
    later.takes_noise = True

    with pytest.raises(ValueError, match="let it be the first"):
        Series(restoring(), later)


def test_the_provenance_names_both():
    second = napari_sr.load("fsrcnn", 2)

    found = Series(restoring(), second).provenance

    assert found["model"] == "Nearest, then fsrcnn-x2"
    assert (found["scale"], found["series"][1]["model"]) == (2, "fsrcnn-x2")


@pytest.mark.parametrize("names", [("microscope-x2", "fsrcnn-x2"), ("fsrcnn-x2", "microscope-x2")])
def test_the_provenance_tells_of_optics_also_of_known_models(names):
    assert napari_sr.series(*names).provenance["optics"] is True
    assert "optics" not in napari_sr.series("fsrcnn-x2", "fsrcnn-x2").provenance
