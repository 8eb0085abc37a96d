"""Remarks on an image, and on how it differs from the images that a model was trained on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from napari_sr.advice.traits import Traits
    from napari_sr.engine.image.noise import Noise
    from napari_sr.zoo.training_facts import TrainingFacts

FAINT = 0.1
"""An image is too faint if its values span less than this share of white minus black."""
MOSTLY = 0.5
"""There is a warning if more than this share of pixels is empty."""
UNSURE = 0.6
"""The image's blur counts as different from that in training beyond this difference, in pixels."""
SIMILAR = 1.1
"""Pixel sizes count as equal up to this ratio."""
SMALL = 64
"""There is a warning if fewer pixels than a square of this side are examined: below it, the advice
is right less often (`benchmarks/quality/advice_crops.md`)."""
SATURATED = 1e-3
"""There is a warning if more than this share of pixels is saturated."""
GREY_ONLY = "colours are only interpolated"
"""The short remark on a model for grey and an image in colour."""


@dataclass(frozen=True)
class Remark:
    """Something that the user should know before a run."""

    short: str
    """A few words, for a list."""
    sentence: str
    against: bool = False
    """Whether a model does not suit the image for this reason."""


def on_image(traits: Traits, width: float | None, pixels: int = SMALL**2) -> tuple[Remark, ...]:
    """Return remarks on size, saturation, value range, and patterns of cameras.

    Parameters
    ----------
    traits : Traits
        The traits of the image.
    width : float, optional
        White minus black, in pixel values; None if they are computed from the image.
    pixels : int
        Number of examined pixels.
    """
    low, high = traits.used
    told = []
    if pixels < SMALL**2:
        told.append(
            Remark(
                f"{pixels} pixels only",
                f"The advice is based on {pixels} pixels only: it is less reliable below {SMALL} x "
                f"{SMALL} pixels.",
            )
        )
    if width is not None and 0 < high - low < FAINT * width:
        told.append(
            Remark(
                f"uses values {low:.5g} to {high:.5g} only",
                f"The image uses only values from {low:g} to {high:g}: declare black and white, "
                "for instance by percentiles (0.1, 99.9). Otherwise, the network sees hardly any "
                "contrast.",
            )
        )
    if traits.empty == 1 and low < high:
        told.append(
            Remark(
                "made of flat squares",
                "All examined pixels lie in squares of equal values, as in masks and images that "
                "were enlarged by repeating pixels: the advice is unsure.",
            )
        )
    elif MOSTLY < traits.empty < 1:
        told.append(
            Remark(
                f"{traits.empty:.0%} empty",
                f"{traits.empty:.0%} of the examined pixels are empty: the advice is based on the "
                "few others. Crop the image to be sure.",
            )
        )
    if traits.saturated > SATURATED:
        share = f"{traits.saturated:.1%}"
        told.append(
            Remark(
                f"{share} saturated",
                f"{share} of the pixels are saturated: their true values are lost.",
            )
        )
    if traits.smoothed:
        told.append(
            Remark(
                "smoothed noise",
                "Neighbouring pixels have similar noise, as after demosaicing, compression, or an "
                "earlier enlargement: there is more noise than estimated, and a model that gets "
                "the level removes too little of it. Use the camera's raw pixels if you can.",
            )
        )
    if traits.columns:
        told.append(
            Remark(
                "pattern of columns",
                "Columns of pixels have a pattern, which a network may sharpen.",
            )
        )
    if traits.period is not None:
        every = f"every {traits.period:.1f} px"
        told.append(
            Remark(
                f"pattern {every}",
                f"A pattern repeats {every}: if it is not in the specimen, a network may sharpen "
                "it.",
            )
        )
    return tuple(told)


def on_model(
    title: str,
    facts: TrainingFacts,
    noise: Noise,
    *,
    noisy: bool,
    sharp: bool,
    rgb: bool,
    smooths: bool = False,
    blur: float | None = None,
    pixel: float | None = None,
) -> tuple[Remark, ...]:
    """Return remarks on how an image differs from what a model was trained on.

    Parameters
    ----------
    title : str
        Name of the model.
    facts : TrainingFacts
        Facts about its training images.
    noise : Noise
        The image's noise.
    noisy, sharp : bool
        Whether noise hides so much detail that removing it may pay; whether the finest detail may
        stand out of the noise.
    rgb : bool
        Whether the image is coloured.
    smooths : bool
        Whether networks that get the level of the noise take detail of the image for noise.
    blur : float, optional
        Standard deviation of the image's blur in pixels, if it could be estimated.
    pixel : float, optional
        Side of the image's pixels in micrometres, if it is known.
    """
    told = []
    if facts.invents:
        told.append(
            Remark(
                "invents texture",
                f"{title} invents texture that looks real: never measure in its result",
                against=True,
            )
        )
    if facts.removes_noise and not facts.any_noise and not noisy:
        told.append(
            Remark(
                "detail above the noise",
                f"{title} was trained on blurred, noisy images: where detail stands out from the "
                "noise, as here, it is worse than interpolation",
                against=True,
            )
        )
    if facts.any_noise and smooths:
        told.append(
            Remark(
                "dense texture",
                f"{title} takes detail of this image for noise: it is forecast to be worse than "
                "interpolation",
                against=True,
            )
        )
    if facts.noise is not None and not facts.removes_noise and not sharp:
        short, hidden = ("noise", "noise") if noisy else ("little fine detail", _FINEST)
        told.append(
            Remark(
                short,
                f"{title} was trained on clean, sharp images: here it mistakes {hidden} for detail",
                against=True,
            )
        )
    if facts.removes_noise and noisy and noise.share > _most(facts):
        told.append(
            Remark(
                "more noise than in training",
                f"{title} was trained on noise of up to {_most(facts):.0%} of white, but the image "
                f"has {noise.share:.0%} of its range of values",
            )
        )
    if facts.grey and rgb:
        told.append(
            Remark(
                GREY_ONLY,
                f"{title} was trained on grey images: it upscales only the brightness; colours are "
                "interpolated, and keep their noise. Split fluorescence that was saved as RGB into "
                "its channels (in napari: Split RGB in the layer's menu): each of them is then "
                "upscaled alone",
            )
        )
    return (*told, *_on_sampling(title, facts, blur, pixel))


def _on_sampling(
    title: str, facts: TrainingFacts, blur: float | None, pixel: float | None
) -> Iterator[Remark]:
    """Yield remarks on a blur or a pixel size that a model never saw."""
    if facts.blur is not None and blur is not None:
        least, most = facts.blur
        trained = "sharp images" if most == 0 else f"a blur of {least:g} to {most:g} px"
        if not least - UNSURE <= blur <= most + UNSURE:
            side = "more" if blur > most else "less"
            yield Remark(
                f"{side} blur than in training",
                f"{title} was trained on {trained}, and the image seems to have a blur of about "
                f"{blur:.1f} px (standard deviation)",
            )
    if facts.pixel is not None and pixel is not None:
        least, most = facts.pixel
        if not least / SIMILAR <= pixel <= most * SIMILAR:
            yield Remark(
                "other pixel size than in training",
                f"{title} was trained on pixels of {least:g} to {most:g} µm, and the image has "
                f"pixels of {pixel:.3g} µm: its structures have other sizes in pixels",
            )


_FINEST = "its finest detail, which is mostly noise or blur,"


def _most(facts: TrainingFacts) -> float:
    """Return the strongest noise that a model was trained on, as a share of white."""
    return 0.0 if facts.noise is None else facts.noise[1]
