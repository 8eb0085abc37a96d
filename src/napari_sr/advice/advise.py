"""Advise which model suits an image, from the image alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_sr.advice.choice import CONDITIONED, LEAST_NOISE, PLAIN, choose, gain_of, is_noisy
from napari_sr.advice.forecast import gains_of, powers_of
from napari_sr.advice.remarks import on_image, on_model
from napari_sr.advice.traits import Traits, traits_of
from napari_sr.advice.trial import tried_errors
from napari_sr.engine.image.conversion import as_array, is_number
from napari_sr.engine.image.noise import Noise, noise_of
from napari_sr.engine.image.sample import sample_of
from napari_sr.engine.image.value_range import Percentiles
from napari_sr.files.image import white_of
from napari_sr.zoo import registry

if TYPE_CHECKING:
    from napari_sr.advice.forecast import Gains
    from napari_sr.advice.remarks import Remark
    from napari_sr.engine.image.arrays import ArrayLike
    from napari_sr.zoo.registry import Entry
    from napari_sr.zoo.training_facts import TrainingFacts

UNSUITED = -0.5
"""A model does not suit an image if its forecast gain over interpolation, in dB, is below this."""


@dataclass(frozen=True)
class Advice:
    """Which model suits an image, and why."""

    model: str
    """Name of the model, with its scale, as `napari_sr.upscale` takes it."""
    reason: str
    """One sentence for the user."""
    noise: Noise
    traits: Traits
    gains: Gains
    """By how many dB kinds of models are forecast to be better than interpolation."""
    remarks: tuple[Remark, ...] = ()
    """Other facts to consider: saturation, value range, patterns."""
    rgb: bool = False
    """Whether the image is coloured."""
    pixel_size: float | None = None
    """Side of a pixel in micrometres, if it is known."""

    @property
    def warnings(self) -> tuple[str, ...]:
        """Sentences on other facts to consider: saturation, value range, patterns."""
        return tuple(remark.sentence for remark in self.remarks)

    @property
    def on_advised(self) -> tuple[str, ...]:
        """Sentences on how the image differs from what the advised model was trained on."""
        entry = registry.find(self.model)
        return tuple(f"{one.sentence}." for one in self.on(entry.title, entry.training))

    @property
    def noisy(self) -> bool:
        """Whether noise hides so much of the detail that removing it pays."""
        return is_noisy(self.gains, self.noise)

    @property
    def sharp(self) -> bool:
        """Whether fine detail stands out from the noise."""
        return self.gains.photographs > 0

    def on(self, title: str, training: TrainingFacts) -> tuple[Remark, ...]:
        """Return remarks on how the image differs from what a model was trained on.

        Parameters
        ----------
        title : str
            Name of the model, for the sentences.
        training : TrainingFacts
            Facts about its training images. Unknown facts cause no remarks.
        """
        flat = self.traits.used[0] == self.traits.used[1]  # neither noise nor detail to judge by
        noisy = flat or (self.noise.share > LEAST_NOISE and self.gains.denoising > UNSUITED)
        sharp = flat or self.gains.photographs > UNSUITED
        conditioned = self.gains.conditioned
        smooths = not flat and conditioned is not None and conditioned < UNSUITED
        return on_model(
            title, training, self.noise, noisy=noisy, sharp=sharp, rgb=self.rgb,
            smooths=smooths and self.judges(training),
            blur=self.traits.blur, pixel=self.pixel_size,
        )  # fmt: skip

    def judges(self, training: TrainingFacts) -> bool:
        """Return whether the advice can judge a model.

        Of the networks that saw clean images as well as noisy ones, it knows only the one that was
        tried.

        Parameters
        ----------
        training : TrainingFacts
            Facts about the model's training images.
        """
        tried = registry.find(CONDITIONED, 2).training.images
        known = self.gains.conditioned is not None and training.images == tried
        return known or not training.any_noise

    def behind(self, training: TrainingFacts) -> float:
        """Return by how many dB a model is forecast to be worse than the advised one; at least 0.

        Parameters
        ----------
        training : TrainingFacts
            Facts about the model's training images. If they are unknown, it is 0.
        """
        advised = registry.find(self.model).training
        best, own = (gain_of(self.noise, self.gains, one) for one in (advised, training))
        return 0.0 if best is None or own is None else max(best - own, 0.0)

    def against(self, model: str) -> str:
        """Return a sentence on why a known model does not suit the image; "" if it does.

        Parameters
        ----------
        model : str
            Name of a known model.

        Raises
        ------
        ValueError
            If there is no such model.
        """
        entry = _of_family(model)
        told = (one.sentence for one in self.on(entry.title, entry.training) if one.against)
        return next(told, "")


def advise(
    image: ArrayLike,
    *,
    scale: int | None = None,
    axes: str | None = None,
    value_range: tuple[float, float] | Percentiles | None = None,
    pixel_size: float | None = None,
) -> Advice:
    """Advise which model suits an image, from a few windows of it.

    The advice forecasts the error of each kind of model from the powers of detail and noise, and
    tries small networks on parts of the image. It names the best model: one that removes noise,
    with or without the blur, one for photographs, or interpolation, which invents nothing. Only
    models that ship with napari-sr are considered. Forecast and trial are for an enlargement of 2.
    Of colours, the luma is examined. On images below 32 x 32 pixels, nothing is tried, and
    the advice is right less often.

    Parameters
    ----------
    image : array
        As for `napari_sr.upscale`. At most 64 windows of 128 x 128 pixels are read, also from large
        and lazy images.
    scale : int, optional
        Enlargement factor: 2, 3, 4 or 8; 2 by default.
    axes : str, optional
        One letter per axis, as for `napari_sr.upscale`.
    value_range : (low, high) or Percentiles, optional
        The values of black and white, as for `napari_sr.upscale`.
    pixel_size : float, optional
        Side of a pixel of the image in micrometres, which is compared with the training images'.

    Returns
    -------
    Advice
        The model, the reason, the noise, other traits, and warnings.

    Raises
    ------
    ValueError
        If the axes do not fit, no model has the scale, the pixel size is not a number above 0, or
        the image has less than 24 x 24 pixels or no finite pixels.
    """
    size = checked_size(pixel_size)
    pixels = as_array(image)
    wanted = 2 if scale is None else scale
    plain = registry.find(PLAIN, wanted)
    sample = sample_of(pixels, axes, luma=True)
    traits = traits_of(sample)
    low, high = traits.used
    noise = noise_of(sample.windows, high - low)
    examined = sum(window.size for window in sample.windows)
    remarks = on_image(traits, _width(sample.dtype.str, value_range), examined)
    gains = gains_of(
        powers_of(sample),
        tried_errors(sample, noise),
        side=min(size for window in sample.windows for size in window.shape),
        rgb=sample.rgb,
        hard_edges=traits.hard_edges,
    )
    entry, reason = choose(traits, noise, gains, plain)
    return Advice(entry.name, reason, noise, traits, gains, remarks, sample.rgb, size)


def checked_size(pixel_size: float | None) -> float | None:
    """Return a pixel size as a number, or None if there is none.

    Raises
    ------
    ValueError
        If it is not a finite number above 0.
    """
    if pixel_size is None:
        return None
    if is_number(pixel_size, 0) and float(pixel_size) > 0:
        return float(pixel_size)
    raise ValueError(
        f"pixel_size must be a finite number of micrometres above 0, got {pixel_size!r}"
    )


def _of_family(name: str) -> Entry:
    """Return a known model by its name, with or without a scale."""
    for entry in registry.entries():
        if name in (entry.family, entry.name):
            return entry
    return registry.find(name)


def _width(dtype: str, value_range: tuple[float, float] | Percentiles | None) -> float | None:
    """Return white minus black, or None if they are computed from the image."""
    if isinstance(value_range, Percentiles):
        return None
    if value_range is None:
        return white_of(dtype)
    return abs(float(value_range[1]) - float(value_range[0]))
