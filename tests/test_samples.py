from __future__ import annotations

import socket
from functools import cache

import npe2
import numpy as np
import pytest

from napari_sr import samples

MADE = (samples.spots, samples.moving, samples.head)
ALL = (samples.cell, samples.tissue, samples.retina, samples.camera, *MADE)


@pytest.fixture(scope="module")
def opened():
    """Return a function that opens a sample once for all tests, while every connection fails."""

    def refuse(*args, **options):
        raise OSError("a sample went to the network")

    @cache
    def of(sample):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(socket.socket, "connect", refuse)
            patch.setattr(socket, "getaddrinfo", refuse)
            return sample()

    return of


@pytest.mark.parametrize("sample", ALL, ids=lambda sample: sample.__name__)
def test_a_sample_needs_no_network(sample, opened):
    ((pixels, arguments, kind),) = opened(sample)

    assert kind == "image"
    assert arguments["name"] == sample.__name__
    assert pixels.size > 0


@pytest.mark.parametrize("sample", ALL, ids=lambda sample: sample.__name__)
def test_a_sample_is_what_its_docstring_says(sample, opened):
    ((pixels, _, _),) = opened(sample)

    assert f"{pixels.shape} {pixels.dtype}" in sample.__doc__


def test_three_and_more_are_real_and_some_are_colour(opened):
    real = [opened(sample)[0] for sample in ALL if sample not in MADE]

    assert len(real) >= 3
    assert {arguments.get("rgb", False) for _, arguments, _ in real} == {False, True}


def test_only_the_stated_pixel_size_is_given(opened):
    sizes = {sample.__name__: opened(sample)[0][1].get("scale") for sample in ALL}

    assert sizes.pop("cell") == (0.107, 0.107)
    assert sizes.pop("head") == (1, 1)
    assert set(sizes.values()) == {None}


def test_the_fluorescence_uses_twelve_of_sixteen_bits():
    stack = samples.fluorescence()

    assert stack.dtype == np.uint16
    assert 1000 < stack.max() <= 4095
    assert stack.min() >= samples.OFFSET


def test_the_fluorescence_is_the_same_every_time():
    np.testing.assert_array_equal(samples.fluorescence(), samples.fluorescence())


def test_light_out_of_focus_spreads_and_is_not_lost():
    where, photons = np.array([[0.0, 80.0, 80.0]]), np.array([500.0])
    background = 5 * 160 * 160

    sharp = samples._plane(0, 160, where, photons)
    blurred = samples._plane(6, 160, where, photons)

    assert sharp.max() > 5 * blurred.max()
    np.testing.assert_allclose(sharp.sum() - background, blurred.sum() - background, rtol=1e-3)


def test_the_noise_is_poissons(monkeypatch):
    nothing = np.zeros((1, 3)), np.zeros(1)
    monkeypatch.setattr(samples, "_objects", lambda *_: nothing)

    counts = (samples.fluorescence() - samples.OFFSET) / samples.GAIN

    # mean and variance are both the background; five standard errors of 179 200 pixels
    assert abs(counts.mean() - 5) < 5 * np.sqrt(5 / counts.size)
    assert abs(counts.var() - 5) < 5 * np.sqrt((5 + 2 * 5**2) / counts.size)


def test_the_manifest_offers_them_all():
    manifest = npe2.PluginManifest.from_distribution("napari-sr")

    offered = {sample.key for sample in manifest.contributions.sample_data}

    assert offered == {sample.__name__ for sample in ALL}


def test_everything_that_the_manifest_names_can_be_imported():
    manifest = npe2.PluginManifest.from_distribution("napari-sr")

    manifest.validate_imports()

    assert {command.id for command in manifest.contributions.commands} >= {"napari-sr.upscale"}


def test_the_first_sample_has_detail_in_every_pixel(opened):
    """One whose neighbours are alike looks the same upscaled: the difference must show."""
    first = npe2.PluginManifest.from_distribution("napari-sr").contributions.sample_data[0]
    ((pixels, _, _),) = opened(getattr(samples, first.key))

    steps = np.abs(np.diff(pixels.astype(float), axis=1)).mean() / np.ptp(pixels)

    assert first.key == "tissue"
    # of the whole range, per pixel; 0.008 in the phase image that came first once
    assert steps > 0.045


def test_binning_keeps_the_mean():
    pixels = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)

    binned = samples._binned(pixels)

    assert binned.shape == (2, 2, 3)
    np.testing.assert_array_equal(binned[0, 0], pixels[:2, :2].mean(axis=(0, 1)).round())


def test_air_water_and_bone_have_their_hounsfield_units(opened):
    ((pixels, _, _),) = opened(samples.head)

    assert abs(np.median(pixels[:10]) + 1000) < 5
    assert abs(np.median(pixels[90:110, 95:105])) < 60
    assert 1000 < pixels.max() < 1300


def test_spots_move_from_time_to_time_but_not_far(opened):
    ((pixels, _, _),) = opened(samples.moving)
    light = pixels.astype(float) - samples.OFFSET
    near, far = (np.abs(light[0] - light[time]).mean() for time in (1, 5))

    assert 0 < near < far
