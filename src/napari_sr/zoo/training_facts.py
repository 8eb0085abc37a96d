"""Facts about a model's training images, which determine the images that the model suits.

The facts about known models are in the registry. Those about the user's networks are read from the
card that our training writes. Anyone can write a card, so each value is checked. This module does
not import torch.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

CLEAN = 0.01
"""A model trained on images with at most this noise, as a share of white, mistakes noise for
detail."""
SPOT = 0.21
"""Standard deviation of the Gaussian that fits a microscope's spot, in units of wavelength / NA
(Zhang, Zerubia and Olivo-Marin 2007, https://doi.org/10.1364/AO.46.001819, widefield in 2D)."""
NOISELESS = "bicubic", "blur"
"""Degradations that add no noise."""

LARGEST = 1e9
"""Largest number that a card may state."""
OWN = "images chosen here"
"""Description of the training images, for a network that was trained in the form."""
LEVEL = (0.003, 0.2)
"""The noise of exposures in training, for cards that do not state another one."""
PHOTONS, READ_NOISE, WAVELENGTH, APERTURE, PIXEL = (50.0, 2000.0), 1.6, 0.52, 0.8, 0.2
"""The microscope that training simulates by default, for cards that do not state another one."""

Between = tuple[float, float]
"""Least and largest value."""


@dataclass(frozen=True)
class TrainingFacts:
    """Facts about a model's training images; None if a fact is unknown."""

    images: str = ""
    """Description of the images; "" if unknown."""
    noise: Between | None = None
    """Standard deviation of the noise of LR images, as a share of white."""
    blur: Between | None = None
    """Standard deviation of the blur, in LR pixels; 0 means as sharp as bicubic downscaling."""
    pixel: Between | None = None
    """Side of an LR pixel in micrometres."""
    grey: bool = False
    """Whether the model was trained on grey images only, not on the luma of colours."""
    invents: bool = False
    """Whether training rewarded texture that looks real, so that the model invents detail."""

    @property
    def removes_noise(self) -> bool:
        """Whether the model learned to remove noise."""
        return self.noise is not None and self.noise[1] > CLEAN

    @property
    def any_noise(self) -> bool:
        """Whether the model learned from clean images as well as from noisy ones."""
        return self.noise is not None and self.noise[0] == 0 and self.removes_noise

    @property
    def can_follow(self) -> bool:
        """Whether the model may read the result of another network, or its own.

        Models for any noise need its level, which is unknown after a network.
        """
        return not self.any_noise

    @property
    def faithful(self) -> bool:
        """Whether, for all we know, training images were clean and the model invents no texture."""
        return self.noise is not None and not self.removes_noise and not self.invents


UNKNOWN = TrainingFacts()
"""The facts if nothing is known about the training images."""


def facts_in(card: dict[str, Any]) -> TrainingFacts:
    """Return the facts in a card that our training wrote; missing and wrong values are unknown.

    A card states the noise and the blur that were added in training. The user's images may already
    have been noisy, so if no noise was added to them, the noise is unknown.

    Parameters
    ----------
    card : dict
        As `card_of` returns it.
    """
    data = _table(_table(card, "recipe"), "data")
    degradation = _table(data, "degradation")
    kind, options = degradation.get("kind"), _table(degradation, "options")
    grey = data.get("grey") is True
    images = OWN if "here" in card else ""
    if data.get("recorded"):  # recorded pairs of a real microscope, without a simulated degradation
        return TrainingFacts(images, grey=grey)
    if kind == "microscope":
        optics, camera = _table(options, "optics"), _table(options, "camera")
        pixel = _between(optics, "pixel", (PIXEL, PIXEL))
        return TrainingFacts(images, _noise(camera), _blur(optics, pixel), pixel, grey)
    if kind == "exposure":
        level = _between(options, "level", LEVEL)
        return TrainingFacts(images, None if level is None else (0.0, level[1]), None, None, grey)
    if kind in NOISELESS and "here" not in card:
        return TrainingFacts(images, (0.0, 0.0), None, None, grey)
    return TrainingFacts(images, grey=grey)


def _noise(camera: dict[str, Any]) -> Between | None:
    """Return the least noise (black, most photons) and the largest (white, fewest photons)."""
    photons = _between(camera, "photons", PHOTONS)
    electrons = _between(camera, "read_noise", (READ_NOISE, READ_NOISE))
    if photons is None or electrons is None or photons[0] <= 0:
        return None
    least, most = photons
    return electrons[0] / most, math.sqrt(least + electrons[1] ** 2) / least


def _blur(optics: dict[str, Any], pixel: Between | None) -> Between | None:
    """Return the blur of the microscope's spot, in LR pixels."""
    wavelength = _between(optics, "wavelength", (WAVELENGTH, WAVELENGTH))
    aperture = _between(optics, "aperture", (APERTURE, APERTURE))
    if wavelength is None or aperture is None or pixel is None or 0 in (aperture[0], pixel[0]):
        return None
    least = SPOT * wavelength[0] / aperture[1] / pixel[1]
    return least, SPOT * wavelength[1] / aperture[0] / pixel[0]


def _between(options: dict[str, Any], key: str, usual: Between) -> Between | None:
    """Return a number or a range as least and largest value; None if it is neither."""
    value = options.get(key, usual)
    pair = value if isinstance(value, list | tuple) else (value, value)
    if len(pair) != 2 or not all(type(one) in (int, float) for one in pair):
        return None
    if any(abs(one) > LARGEST for one in pair):  # also whole numbers too large for a float
        return None
    low, high = (float(one) for one in pair)
    return (low, high) if 0 <= low <= high else None


def _table(outer: dict[str, Any], key: str) -> dict[str, Any]:
    found = outer.get(key)
    return found if isinstance(found, dict) else {}


def facts_from(record: dict[str, Any]) -> TrainingFacts:
    """Return the facts in a record of the registry, whose lists become tuples."""
    pairs: dict[str, Any] = {
        key: tuple(one) if isinstance(one, list) else one for key, one in record.items()
    }
    return TrainingFacts(**pairs)
