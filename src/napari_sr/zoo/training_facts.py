"""What a model was trained on, as far as it decides which images the model suits.

The registry holds the facts of known models, and the card of our training those of own networks.
Anybody can write a card, so each value is checked. Nothing here imports torch.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

CLEAN = 0.01
"""Noise of training images, as a share of white, up to which a model takes noise for detail."""
SPOT = 0.21
"""Standard deviation of a Gaussian like a microscope's spot, in wavelengths over the aperture
(Zhang, Zerubia and Olivo-Marin 2007, https://doi.org/10.1364/AO.46.001819, widefield in 2D)."""
NOISELESS = "bicubic", "blur"
"""Degradations that add no noise."""

OWN = "images chosen here"
"""The kind of images of a network that was trained in the form."""
PHOTONS, READ_NOISE, WAVELENGTH, APERTURE, PIXEL = (50.0, 2000.0), 1.6, 0.52, 0.8, 0.2
"""What a simulated microscope has where a card says nothing: the training's defaults."""

Between = tuple[float, float]
"""Least and largest value."""


@dataclass(frozen=True)
class TrainingFacts:
    """What a model was trained on; None for what is unknown."""

    images: str = ""
    """The kind of images, in words; "" if unknown."""
    noise: Between | None = None
    """Standard deviation of the noise of LR images, as a share of white."""
    blur: Between | None = None
    """Standard deviation of the blur, in LR pixels; 0 is as sharp as bicubic shrinking."""
    pixel: Between | None = None
    """Side of an LR pixel in micrometres."""
    grey: bool = False
    """Whether it saw grey images only, not the luma of colours."""
    invents: bool = False
    """Whether it was rewarded for texture that looks real, so that its detail is made up."""

    @property
    def removes_noise(self) -> bool:
        """Whether it learned to remove noise."""
        return self.noise is not None and self.noise[1] > CLEAN

    @property
    def faithful(self) -> bool:
        """Whether it is known to have learned clean images, and not to invent texture."""
        return self.noise is not None and not self.removes_noise and not self.invents


UNKNOWN = TrainingFacts()
"""Nothing is known of a training."""


def facts_in(card: dict[str, Any]) -> TrainingFacts:
    """Return the facts in the card of our training; what is missing or wrong is unknown.

    A card tells the noise and the blur that the training added. Images of the user's may have had
    noise of their own, so a training on them that added none has unknown noise.

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
    if data.get("recorded"):  # pairs of a real microscope, in place of a degradation
        return TrainingFacts(images, grey=grey)
    if kind == "microscope":
        optics, camera = _table(options, "optics"), _table(options, "camera")
        pixel = _between(optics, "pixel", (PIXEL, PIXEL))
        return TrainingFacts(images, _noise(camera), _blur(optics, pixel), pixel, grey)
    if kind in NOISELESS and "here" not in card:
        return TrainingFacts(images, (0.0, 0.0), None, None, grey)
    return TrainingFacts(images, grey=grey)


def _noise(camera: dict[str, Any]) -> Between | None:
    """Return the least noise, in the dark with most photons, and the largest, at white with few."""
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
    low, high = (float(one) for one in pair)
    return (low, high) if 0 <= low <= high < math.inf else None


def _table(outer: dict[str, Any], key: str) -> dict[str, Any]:
    found = outer.get(key)
    return found if isinstance(found, dict) else {}


def facts_from(record: dict[str, Any]) -> TrainingFacts:
    """Return the facts in a record of the registry, whose lists become tuples."""
    pairs: dict[str, Any] = {
        key: tuple(one) if isinstance(one, list) else one for key, one in record.items()
    }
    return TrainingFacts(**pairs)
