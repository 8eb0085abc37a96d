"""The advised model, the reason, and what is said against other models."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, zoom

import napari_sr
from napari_sr.advice.advise import advise
from napari_sr.advice.forecast import AHEAD, BELIEVED, OF_COLOURS
from napari_sr.engine.image.value_range import Percentiles
from napari_sr.zoo import registry


@pytest.fixture
def sharp(random):
    """A sharp image without noise, from 0 to 1."""
    return gaussian_filter(zoom(random.random((60, 60)), 5, order=0), 0.7)


def as_photons(image, count, random):
    return random.poisson(image * count).astype(np.uint16)


def binned(image):
    """Return the means of 2 x 2 pixels."""
    height, width = image.shape
    return image.reshape(height // 2, 2, width // 2, 2).mean(axis=(1, 3))


def test_the_advised_model_is_the_best_or_nearly(sharp, random):
    squares = zoom(random.random((32, 32)), 10, order=0)
    cases = (sharp, 2, 0), (sharp, 2, 30), (squares, 0, 0), (squares, 0.5, 0), (squares, 1, 0)
    for image, blur, photons in cases:
        truth = gaussian_filter(image, blur)
        small = random.poisson(binned(truth) * photons) / photons if photons else binned(truth)
        psnr = {}
        for model in ("bicubic", "edsr-slim", "microscope", "micrograph"):
            result = napari_sr.upscale(small, f"{model}-x2", value_range=(0, 1), device="cpu")
            error = np.polyfit(result.ravel(), truth.ravel(), 1, full=True)[1][0]
            psnr[f"{model}-x2"] = -10 * np.log10(error)

        advice = advise(small)
        assert max(psnr.values()) - psnr[advice.model] < 0.5, (blur, photons, psnr)
        if image is squares:  # the best one depends on the edges
            hard = blur < 1
            assert advice.traits.hard_edges == hard
            assert advice.model == ("edsr-slim-x2" if hard else "micrograph-x2")


def test_a_clean_sharp_image_is_not_smoothed(sharp):
    advice = napari_sr.advise((255 * sharp).astype(np.uint8))

    assert advice.model in ("edsr-slim-x2", "micrograph-x2")
    assert advice.sharp
    assert advice.against("bsrn-x2") == ""
    assert "worse than interpolation" in advice.against("microscope")
    assert advice.against("micrograph") == ""  # it saw clean images, too


def test_only_the_network_that_was_tried_is_judged_among_those_that_saw_clean_and_noisy_images(
    sharp,
):
    grey = advise(sharp)
    small = advise(sharp[:30])
    facts = {name: registry.find(name, 2).training for name in ("micrograph", "em", "microscope")}

    assert [grey.judges(one) for one in facts.values()] == [True, False, True]
    assert [small.judges(one) for one in facts.values()] == [True, False, True]
    worse = replace(grey, gains=replace(grey.gains, conditioned=-3.0))
    assert "takes detail of this image for noise" in worse.against("micrograph")
    assert worse.against("em") == ""


def test_colours_are_tried_as_luma(sharp, random):
    colours = sharp[..., None] + random.normal(0, 0.1, (*sharp.shape, 3))
    luma = colours @ [0.298936, 0.587043, 0.114021]

    of_colours, of_luma = advise(colours, axes="YXC"), advise(luma)

    assert of_colours.model == of_luma.model
    # colours are interpolated
    told = OF_COLOURS * (of_luma.gains.conditioned / BELIEVED - AHEAD)
    assert of_colours.gains.conditioned == pytest.approx(told, abs=0.02)
    assert of_colours.noise.sigma == pytest.approx(of_luma.noise.sigma, rel=1e-3)
    assert of_colours.rgb


def test_a_small_image_gets_a_model_although_nothing_is_tried(sharp):
    advice = advise(sharp[:30])

    assert advice.model == "micrograph-x2"  # in clean images too, it is ahead in most cases
    assert advice.gains.photographs > 0
    assert "told the level" in advice.reason


def test_a_noisy_image_gets_a_model_that_removes_noise(sharp, random):
    advice = advise(as_photons(gaussian_filter(sharp, 2), 30, random), value_range=(0, 30))

    assert advice.model in ("micrograph-x2", "microscope-x2")  # equal within 0.2 dB here
    assert advice.gains.denoising > 0
    assert advice.gains.conditioned > 0
    assert advice.noise.grows
    assert "growing with the signal" in advice.reason
    assert "mistakes noise for detail" in advice.against("fsrcnn-x4")
    assert advice.against("microscope-x2") == advice.against("bicubic") == ""


def test_dense_texture_is_kept_although_there_is_noise(random):
    texture = gaussian_filter(random.random((300, 300)), 0.8)
    texture = (texture - texture.mean()) / texture.std()
    smooth = gaussian_filter(random.random((300, 300)), 3)
    smooth = (smooth - smooth.mean()) / smooth.std()
    noise = random.normal(0, 0.35, texture.shape)

    dense, soft = advise(texture + noise), advise(smooth + noise)

    assert dense.model == "bicubic-x2"
    assert "stands out from the noise" in dense.against("microscope")
    assert "takes detail of this image for noise" in dense.against("micrograph")
    assert soft.model == "micrograph-x2"
    assert soft.against("micrograph") == ""


def test_a_blurred_image_with_some_noise_gets_no_model_that_sharpens(sharp, random):
    blurred = gaussian_filter(sharp, 1.5)
    advice = advise(blurred + random.normal(0, 0.01, sharp.shape))

    assert advice.model in ("bicubic-x2", "micrograph-x2")  # within 1 dB of each other
    assert not advice.noisy
    assert not advice.sharp


@pytest.mark.parametrize(
    ("scale", "models"),
    [(3, {"edsr-slim-x3"}), (4, {"edsr-slim-x4", "micrograph-x4"}), (8, {"bicubic-x8"})],
)
def test_other_scales_get_what_ships(sharp, random, scale, models):
    assert advise(sharp, scale=scale).model in models

    noisy = advise(as_photons(gaussian_filter(sharp, 2), 30, random), scale=scale)

    assert noisy.model == ("micrograph-x4" if scale == 4 else f"bicubic-x{scale}")
    assert scale == 4 or f"do not upscale {scale} times" in noisy.reason


def test_every_advised_name_can_be_upscaled_with(sharp):
    small = sharp[:40, :40].astype(np.float32)

    for scale in (2, 3, 4, 8):
        result = napari_sr.upscale(small, advise(small, scale=scale).model, device="cpu")
        assert result.shape == (40 * scale, 40 * scale)


def test_a_constant_image_is_named_so():
    assert "constant" in advise(np.full((50, 50), 9, np.uint8)).reason


def test_a_faint_image_is_told_to_declare_its_range(sharp):
    faint = (1000 + 400 * sharp).astype(np.uint16)

    assert "values from" in " ".join(advise(faint).warnings)
    for declared in ((900, 1500), Percentiles(1, 99)):
        assert "values from" not in " ".join(advise(faint, value_range=declared).warnings)


def test_saturation_is_told(sharp):
    assert "saturated" in " ".join(
        advise(np.minimum(sharp + gaussian_filter(sharp, 9), 1)).warnings
    )


def test_an_unknown_scale_or_model_is_refused(sharp):
    with pytest.raises(ValueError, match="5"):
        advise(sharp, scale=5)
    with pytest.raises(ValueError, match="nonsense"):
        advise(sharp).against("nonsense")


def test_a_few_pixels_that_differ_are_not_called_constant():
    image = np.zeros((96, 96), np.uint8)
    image[40, 40] = 255

    assert "are equal: nothing to judge by" in advise(image).reason


@pytest.mark.parametrize("empty", [0.5, 0.6, 0.75])
def test_empty_areas_do_not_hide_noise(sharp, random, empty):
    image = as_photons(gaussian_filter(sharp, 2), 30, random) + 100
    alone = advise(image, value_range=(0, 200)).noise.sigma
    image[:, : int(image.shape[1] * empty)] = 0

    advice = advise(image, value_range=(0, 200))

    assert advice.model in ("microscope-x2", "micrograph-x2")
    assert advice.noise.sigma == pytest.approx(alone, rel=0.2)
    assert any("are empty" in told for told in advice.warnings) == (empty > 0.5)


def test_a_pattern_without_noise_is_not_noisy():
    rows, columns = np.mgrid[:96, :96]
    board = (255 * ((rows + columns) % 2)).astype(np.uint8)

    advice = advise(board)

    assert not advice.noisy
    assert advice.model == "bicubic-x2"


def test_pixels_that_the_advised_model_never_saw_are_told(sharp, random):
    noisy = as_photons(gaussian_filter(sharp, 2), 30, random)

    for size, words in ((0.2, 0), (0.065, 1)):
        found = advise(noisy, value_range=(0, 30), pixel_size=size)
        advice = replace(found, model="microscope-x2")
        told = [one for one in advice.on_advised if f"pixels of {size} µm" in one]
        assert len(told) == words
    assert advise(noisy, value_range=(0, 30)).pixel_size is None


@pytest.mark.parametrize("size", [0, -0.1, float("nan"), float("inf"), "0.1"])
def test_a_pixel_size_has_to_be_a_length(sharp, size):
    with pytest.raises(ValueError, match="pixel_size must be a finite number of micrometres"):
        advise(sharp, pixel_size=size)


def test_a_model_within_the_error_of_the_forecast_is_not_called_unsuitable(sharp):
    advice = advise(sharp)
    close = replace(advice, gains=replace(advice.gains, photographs=-0.4))
    worse = replace(advice, gains=replace(advice.gains, photographs=-0.6))

    assert close.against("fsrcnn-x2") == ""
    assert "mistakes its finest detail" in worse.against("fsrcnn-x2")


@pytest.mark.parametrize(
    "kind",
    ["noise", "impulse", "impulses", "checkerboard", "saturated", "12 bits", "signed", "NaN",
     "5D", "RGBA", "largest integers", "smallest floats", "far from zero"],
)  # fmt: skip
def test_figures_of_odd_images_are_finite(random, kind):
    rows, columns = np.mgrid[:60, :60]
    noise = random.random((60, 60))
    image = {
        "noise": noise,
        "impulse": np.where((rows == 30) & (columns == 9), 255, 0).astype(np.uint8),
        "impulses": np.where(noise > 0.99, 255, 0).astype(np.uint8),
        "checkerboard": (255 * ((rows + columns) % 2)).astype(np.uint8),
        "saturated": np.minimum(200 + 100 * noise, 255).astype(np.uint8),
        "12 bits": (4095 * noise).astype(np.uint16),
        "signed": (6000 * noise - 3000).astype(np.int16),
        "NaN": np.where(noise > 0.8, np.nan, noise).astype(np.float32),
        "5D": random.random((2, 1, 2, 40, 50)),
        "RGBA": (255 * random.random((40, 50, 4))).astype(np.uint8),
        "largest integers": (2.0**63 * (1 + noise)).astype(np.uint64),
        "smallest floats": (1e-40 * noise).astype(np.float32),
        "far from zero": (1e7 + noise).astype(np.float32),
    }[kind]

    advice = advise(image, value_range=(0, 1), pixel_size=0.1)

    parts = advice.noise, advice.traits, advice.gains
    known = [one for part in parts for one in vars(part).values()]
    numbers = [one for one in known if isinstance(one, float)]
    assert len(numbers) > 8
    assert np.isfinite(numbers).all()
    assert 0 <= advice.traits.saturated <= 1
    assert abs(advice.gains.denoising) <= 30


def test_missing_pixels_do_not_look_like_noise(sharp, random):
    image = 100 * gaussian_filter(sharp, 1.5)
    holes = image.copy()
    holes[random.random(image.shape) < 0.02] = np.nan

    found, usual = napari_sr.advise(holes), napari_sr.advise(image)

    assert found.model == usual.model
    assert found.noise.share < 2 * usual.noise.share + 0.002


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_no_model_is_said_to_be_wrong_for_a_constant_image(dtype):
    advice = napari_sr.advise(np.zeros((60, 60), dtype))

    assert advice.against("edsr-slim") == advice.against("microscope") == ""
