"""The level of the noise: one for a run, however the run is cut."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from fakes import finish

from napari_sr import upscale, upscale_lazy
from napari_sr.engine.execution.region import upscale_region
from napari_sr.engine.execution.upscale import upscale_array
from napari_sr.engine.image.arrays import layout_of
from napari_sr.engine.image.plane_values import ValueRange
from napari_sr.engine.image.value_range import OutsideRangeWarning
from napari_sr.engine.planning.noise_level import (
    check_noise,
    estimated_noise,
    noise_of_run,
    with_noise,
)
from napari_sr.engine.planning.settings import NoiseError, Settings
from napari_sr.layers.colour import enlarge
from napari_sr.models.edsr import EDSR

SIGMA = 12.0
HOW = {"value_range": (0.0, 255.0), "engine": "torch", "outliers": "keep"}


@pytest.fixture
def network():
    """A network that takes the level of the noise, and whose result depends on it."""
    torch.manual_seed(0)
    found = EDSR(scale=2, channels=1, features=8, blocks=2, takes_noise=True)
    found.full_range = True
    return found.eval()


@pytest.fixture
def image(random):
    """An image whose left half has noise, and whose right half has none."""
    y, x = np.mgrid[:90, :120]
    smooth = 120 + 50 * np.sin(x / 19) * np.cos(y / 23)
    return (smooth + random.normal(0, SIGMA, smooth.shape)).astype(np.float32)


def layout(image, axes=None):
    return layout_of(image.shape, image.dtype, axes)


def test_the_level_is_the_standard_deviation_in_pixel_values(image):
    assert estimated_noise(image, layout(image)) == pytest.approx(SIGMA, rel=0.1)
    assert estimated_noise(10 * image, layout(image)) == pytest.approx(10 * SIGMA, rel=0.1)


def test_a_luma_network_is_told_the_noise_of_the_luma(random, network):
    colours = (100 + random.normal(0, SIGMA, (64, 64, 3))).astype(np.float32)

    told = with_noise(Settings(**HOW), network, colours, layout(colours, "YXS")).noise

    weights = np.array([0.299, 0.587, 0.114])
    assert told == pytest.approx(SIGMA * np.sqrt((weights**2).sum()), rel=0.1)


def test_an_image_too_small_for_an_estimate_counts_as_clean(image):
    assert estimated_noise(image[:23], layout(image[:23])) == 0


def test_the_network_gets_the_level_where_white_is_1(image, network):
    found = upscale(image, network, border="zeros", noise=51.0, **HOW)

    plain = torch.from_numpy(image / 255)[None, None]
    with torch.no_grad():
        expected = enlarge(network, plain, 0.2)[0, 0]
        other = enlarge(network, plain, 0.1)[0, 0]
    torch.testing.assert_close(torch.from_numpy(found / 255), expected, rtol=0, atol=1e-4)
    assert (expected - other).abs().max() > 1e-2


def test_noise_that_no_network_saw_is_told_or_refused(image, network):
    with pytest.warns(OutsideRangeWarning, match="a noise of 510 is 2 times the step from black"):
        upscale(image, network, noise=510.0, **HOW)
    with pytest.raises(NoiseError, match=r"noise must be at most 1e\+30, got noise=1e\+300"):
        upscale(image, network, noise=1e300, **HOW)


def test_an_estimate_gives_what_the_same_number_gives(image, network):
    result = finish(upscale_array(image, network, Settings(**HOW)))[1]

    level = result.record["settings"]["noise"]
    assert level == estimated_noise(image, layout(image))
    assert np.array_equal(result.pixels, upscale(image, network, noise=level, **HOW))


def test_tiles_regions_and_blocks_get_the_level_of_the_whole_image(image, network):
    image[:, 60:] = 100.0  # this part alone has no noise
    whole = upscale(image, network, **HOW)

    tiles = upscale(image, network, tile=48, **HOW)
    lazy = np.asarray(upscale_lazy(image, network, **HOW))
    out = np.empty_like(whole)
    upscale(image, network, out=out, **HOW)
    region = finish(upscale_region(image, network, ((20, 70), (70, 110)), Settings(**HOW)))[1]

    for other in (tiles, lazy, out):
        np.testing.assert_allclose(other, whole, rtol=0, atol=0.05)
    np.testing.assert_allclose(region.pixels, whole[40:140, 140:220], rtol=0, atol=0.05)
    clean = upscale(image, network, noise=0, **HOW)
    assert np.abs(clean - whole).max() > 2  # so that a wrong level would be seen


def test_all_planes_get_one_level(image, network):
    stack = np.stack([image, np.full_like(image, 100)])

    result = finish(upscale_array(stack, network, Settings(**HOW)))[1]

    level = result.record["settings"]["noise"]
    alone = upscale(stack[1], network, noise=level, **HOW)
    np.testing.assert_array_equal(result.pixels[1], alone)


def test_each_channel_gets_its_own_level_however_the_run_is_cut(image, network):
    channels = np.stack([image, 100 + (image - 120) / 4])

    result = finish(upscale_array(channels, network, Settings(**HOW), axes="CYX"))[1]

    levels = result.record["settings"]["noise"]
    assert levels == pytest.approx((SIGMA, SIGMA / 4), rel=0.1)
    for pixels, level, channel in zip(channels, levels, result.pixels, strict=True):
        alone = upscale(pixels, network, noise=level, **HOW)
        np.testing.assert_array_equal(channel, alone)
    lazy = np.asarray(upscale_lazy(channels, network, axes="CYX", **HOW))
    out = np.empty_like(result.pixels)
    upscale(channels, network, axes="CYX", out=out, **HOW)
    region = upscale(channels, network, axes="CYX", region=((20, 70), (70, 110)), **HOW)
    for other in (lazy, out):
        np.testing.assert_allclose(other, result.pixels, rtol=0, atol=0.05)
    np.testing.assert_allclose(region, result.pixels[:, 40:140, 140:220], rtol=0, atol=0.05)
    given = upscale(channels, network, axes="CYX", noise=levels, **HOW)
    np.testing.assert_array_equal(given, result.pixels)


def test_levels_that_do_not_fit_the_channels_are_refused(image, network):
    with pytest.raises(NoiseError, match="one for each of 2 channels along C, got 3 numbers"):
        upscale(np.stack([image, image]), network, axes="CYX", noise=(1.0, 2.0, 3.0), **HOW)
    with pytest.raises(NoiseError, match="of at least 0, got noise=-2"):
        upscale(np.stack([image, image]), network, axes="CYX", noise=(1.0, -2.0), **HOW)


def test_a_network_without_noise_leaves_the_settings_alone(image, example):
    settings = Settings(value_range=(0.0, 255.0))

    assert with_noise(settings, example("fsrcnn"), image, layout(image)) is settings
    assert "noise" not in settings.of_result


@pytest.mark.parametrize("level", [-1, float("nan"), float("inf"), "much", True])
def test_a_level_that_is_no_standard_deviation_is_refused(level, network):
    with pytest.raises(NoiseError, match="noise must be a finite number of at least 0, got"):
        check_noise(level, network)


def test_an_image_without_pixels_for_an_estimate_needs_a_level(image, network):
    image[:, :90] = np.nan

    with pytest.raises(NoiseError, match=r"is NaN or infinite.*, or give its level as noise"):
        upscale(image, network, **HOW)
    found = upscale(image, network, noise=SIGMA, **HOW)
    assert np.isfinite(found[:, 180:]).all()


def test_a_level_for_a_network_that_takes_none_is_refused(image, example):
    with pytest.raises(NoiseError, match=r"but FSRCNN does not; got noise=3"):
        upscale(image, example("fsrcnn"), noise=3, **HOW)


def test_a_level_that_was_forgotten_is_an_error(network):
    with pytest.raises(ValueError, match="EDSR needs the level of the image's noise, got None"):
        noise_of_run(network, Settings(), ValueRange(0, 1))
