"""Choose the model with the largest gain, and say why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_sr.zoo import registry

if TYPE_CHECKING:
    from napari_sr.advice.forecast import Gains
    from napari_sr.advice.traits import Traits
    from napari_sr.engine.image.noise import Noise
    from napari_sr.zoo.registry import Entry
    from napari_sr.zoo.training_facts import TrainingFacts

LEAST_NOISE = 1e-3
"""An image with less noise than this share of its range of values is never noisy: the noise is
rounding, or there is none."""
DENOISING, CONDITIONED, PLAIN = "microscope", "micrograph", "bicubic"
PHOTOGRAPHS = "edsr-slim", "fsrcnn"
"""Models that ship, by their purpose; the best first."""


def is_noisy(gains: Gains, noise: Noise) -> bool:
    """Return whether noise hides so much of an image's detail that removing it pays."""
    return noise.share > LEAST_NOISE and gains.denoising > 0


def choose(traits: Traits, noise: Noise, gains: Gains, plain: Entry) -> tuple[Entry, str]:
    """Return the model to use and the reason.

    Parameters
    ----------
    traits : Traits
        The traits of the image.
    noise : Noise
        The image's noise.
    gains : Gains
        By how many dB models are forecast to be better than interpolation.
    plain : Entry
        Interpolation at the wanted scale.
    """
    level = f"noise of {noise.share:.1%} of its range of values"
    if noise.grows:
        level += " (growing with the signal, like photon noise)"
    if traits.used[0] == traits.used[1] and traits.empty == 1:
        return plain, "The examined pixels are constant: there is nothing to sharpen."
    if traits.used[0] == traits.used[1]:
        return plain, "At least 99.8% of the examined pixels are equal: nothing to judge by."
    best = _ranked(noise, gains)
    found = next(filter(None, (_at(name, plain.scale) for name in best)), None)
    if found is not None:
        return found, _reason(found.family, level)
    if best and not set(best) & set(PHOTOGRAPHS):
        return plain, (
            f"The image has {level}. Networks for photographs mistake it for detail; those that "
            f"remove it do not upscale {plain.scale} times."
        )
    if best:
        return plain, f"No network that suits the image upscales {plain.scale} times."
    return plain, (
        f"The image has {level}, and little fine detail stands out from it: networks for "
        "photographs would sharpen noise, and those that remove noise would smooth detail."
    )


def gain_of(noise: Noise, gains: Gains, training: TrainingFacts) -> float | None:
    """Return the forecast gain of a model over interpolation, in dB; None if its kind is unknown.

    Parameters
    ----------
    noise, gains
        As for `choose`.
    training : TrainingFacts
        Facts about the model's training images.
    """
    kind = DENOISING if training.removes_noise else PHOTOGRAPHS[0] if training.faithful else ""
    return _gains(noise, gains).get(CONDITIONED if training.any_noise else kind)


def _gains(noise: Noise, gains: Gains) -> dict[str, float]:
    """Return the forecast gain over interpolation of each model, in dB."""
    noisy = noise.share > LEAST_NOISE
    known = {DENOISING: gains.denoising if noisy else min(gains.denoising, 0.0)}
    if gains.conditioned is not None:
        known[CONDITIONED] = gains.conditioned
    return known | dict.fromkeys(PHOTOGRAPHS, gains.photographs)


def _ranked(noise: Noise, gains: Gains) -> list[str]:
    """Return the models that are forecast to be better than interpolation, the best first."""
    known = _gains(noise, gains)
    return sorted((name for name in known if known[name] > 0), key=lambda name: -known[name])


def _reason(family: str, level: str) -> str:
    """Return why a model is advised."""
    if family == DENOISING:
        return f"The image has {level}. This model removes noise and blur."
    if family == CONDITIONED:
        return f"The image has {level}. This model is told the level, and removes only that much."
    return "Fine detail stands out from the noise, as in the images that this model was trained on."


def _at(family: str, scale: int) -> Entry | None:
    """Return the model of a family for a scale, or None if there is none."""
    pairs = ((one.family, one.scale) for one in registry.entries())
    return registry.find(family, scale) if (family, scale) in pairs else None
