"""The command `napari-sr advise`: which model suits the image in a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_sr.advice.advise import advise
from napari_sr.cli import terminal
from napari_sr.cli.model import CommandError
from napari_sr.engine.planning.settings import Settings
from napari_sr.files.lazy import open_lazy
from napari_sr.files.units import micrometres
from napari_sr.runs.file_range import with_range

if TYPE_CHECKING:
    from pathlib import Path

    from napari_sr.advice.advise import Advice
    from napari_sr.engine.image.value_range import Percentiles
    from napari_sr.graph.factor import Factor

SCALES = (2, 3, 4)
"""Scales of networks, for advice on other factors."""
AUTO = "auto"
"""The value of `--model` that chooses the advised model."""


def advice_for(
    source: Path,
    scale: int | None = None,
    values: tuple[float, float] | Percentiles | None = None,
    axes: str | None = None,
) -> Advice:
    """Return advice on the image in a file, from a few windows of it.

    Parameters
    ----------
    source : Path
        The file.
    scale : int, optional
        Enlargement; 2 by default.
    values : (low, high) or Percentiles, optional
        Black and white, in stored values; by default, as the file says.
    axes : str, optional
        One letter per axis, in stored order.

    Raises
    ------
    CommandError
        If the source is a folder of images.
    ValueError, OSError
        If the image cannot be read, or is too small.
    """
    if source.is_dir() and source.suffix.lower() != ".zarr":
        raise CommandError(
            f"advice needs one image, got the folder {source}: give one of its files, or name a "
            "model"
        )
    image = open_lazy(source, None if axes is None else axes.upper())
    settings = with_range(image, Settings(value_range=values))[0]
    return advise(
        image.pixels, scale=scale, axes=image.axes, value_range=settings.value_range,
        pixel_size=micrometres(image.places),
    )  # fmt: skip


def line(
    source: Path,
    scale: int | None,
    values: tuple[float, float] | Percentiles | None,
    axes: str | None,
) -> tuple[str, bool]:
    """Return one line on an image, and whether the line is advice: if not, it is an error message.

    The parameters are those of `advice_for`.
    """
    try:
        found = advice_for(source, scale, values, axes)
    except (ValueError, OSError, CommandError) as error:
        return terminal.in_options(str(error)), False
    return " ".join((f"{found.model}: {found.reason}", *found.warnings, *found.on_advised)), True


def text(advice: Advice) -> str:
    """Return the advice as text for people."""
    noise, traits = advice.noise, advice.traits
    growth = f", growing with the signal ({noise.gain:.3g} per photon)" if noise.grows else ""
    blur = "unknown" if traits.blur is None else f"{traits.blur:.1f} px"
    size = "" if advice.pixel_size is None else f"; pixels of {advice.pixel_size:.3g} µm"
    if traits.used[0] == traits.used[1]:  # all figures would be about nothing
        return "\n".join([f"{advice.model}: {advice.reason}", *advice.warnings])
    return "\n".join(
        [
            f"{advice.model}: {advice.reason}",
            f"noise: {noise.sigma:.3g} ({noise.share:.1%} of the range used){growth}",
            f"values: {traits.used[0]:g} to {traits.used[1]:g}",
            f"detail over noise: coarse {traits.coarse:.1f}, middle {traits.middle:.1f}, fine "
            f"{traits.fine:.1f}",
            f"forecast over interpolation: {advice.gains.denoising:+.1f} dB by removing noise and "
            f"blur, {advice.gains.photographs:+.1f} dB by a network for photographs{_told(advice)}",
            f"blur: {blur}{size}",
            *advice.warnings,
            *advice.on_advised,
        ]
    )


def scale_for(factor: Factor | None) -> int | None:
    """Return the scale of the networks among which advice chooses, for any factor."""
    if factor is None:
        return None
    return next((scale for scale in SCALES if scale >= factor), SCALES[-1])


def model_for(
    source: Path,
    scale: int | None,
    values: tuple[float, float] | Percentiles | None,
    axes: str | None,
) -> str:
    """Return the name of the advised model, and print the reason; see `advice_for`."""
    found = advice_for(source, scale, values, axes)
    with terminal.bars() as bars:
        for line in (f"{found.model}: {found.reason}", *found.warnings, *found.on_advised):
            terminal.tell(bars, line, source.name)
    return found.model


def _told(advice: Advice) -> str:
    """Return the forecast of networks that get the noise's level; "" if they were not tried."""
    gain = advice.gains.conditioned
    return "" if gain is None else f", {gain:+.1f} dB by removing only noise of the level"
