"""The model with the largest gain, at the wanted scale."""

from __future__ import annotations

import pytest

from napari_sr.advice.choice import choose, gain_of
from napari_sr.advice.forecast import Gains
from napari_sr.advice.traits import Traits
from napari_sr.engine.image.noise import Noise
from napari_sr.zoo import registry

TRAITS = Traits((0.0, 1.0), 9.0, 5.0, 3.0, 0.0, None, columns=False)
NOISE = Noise(0.05, 0.05, grows=False, gain=0.0, mean=0.5)


def chosen(scale=2, noise=NOISE, **gains):
    """Return the chosen model and the reason for some gains."""
    entry, reason = choose(TRAITS, noise, Gains(**gains), registry.find("bicubic", scale))
    return entry.name, reason


@pytest.mark.parametrize(
    ("gains", "model"),
    [
        ((3.0, -2.0, None), "microscope-x2"),
        ((-3.0, 1.0, None), "edsr-slim-x2"),
        ((-1.0, -1.0, None), "bicubic-x2"),
        ((3.0, -2.0, 4.0), "micrograph-x2"),
        ((4.1, -2.0, 4.0), "microscope-x2"),
        ((-9.0, 3.0, 2.0), "edsr-slim-x2"),
        ((-9.0, 2.0, 3.0), "micrograph-x2"),
        ((-0.4, -2.0, -0.1), "bicubic-x2"),
    ],
)
def test_the_largest_gain_wins(gains, model):
    denoising, photographs, conditioned = gains

    name, _ = chosen(denoising=denoising, photographs=photographs, conditioned=conditioned)

    assert name == model


@pytest.mark.parametrize(
    ("model", "gain"),
    [
        ("microscope-x2", 3.0),
        ("micrograph-x4", 4.0),
        ("edsr-slim-x2", -2.0),
        ("fsrcnn-x3", -2.0),
        ("bicubic-x2", None),
    ],
)
def test_each_model_has_the_gain_of_its_kind(model, gain):
    gains = Gains(denoising=3.0, photographs=-2.0, conditioned=4.0)

    assert gain_of(NOISE, gains, registry.find(model).training) == gain


def test_the_best_model_that_has_the_scale_is_taken():
    gains = {"denoising": 9.0, "photographs": -2.0, "conditioned": 4.0}

    assert chosen(4, **gains)[0] == "micrograph-x4"
    name, reason = chosen(3, **gains)
    assert name == "bicubic-x3"
    assert "do not upscale 3 times" in reason
    assert chosen(3, **(gains | {"photographs": 1.0}))[0] == "edsr-slim-x3"
    assert (
        "No network that suits the image upscales 8 times"
        in chosen(8, **(gains | {"photographs": 1.0}))[1]
    )


def test_the_reason_tells_the_noise():
    _, reason = chosen(denoising=3.0, photographs=-2.0, conditioned=4.0)

    assert "noise of 5.0% of its range of values. This model is told the level" in reason


def test_an_image_with_hardly_any_noise_gets_none_removed_with_its_blur():
    calm = Noise(1e-4, 1e-4, grows=False, gain=0.0, mean=0.5)

    assert chosen(noise=calm, denoising=9.0, photographs=1.0)[0] == "edsr-slim-x2"
