"""Calibrate a model: how large its errors are at a given spread, on pairs with a known truth."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from napari_sr.api import load
from napari_sr.engine.execution.plane_output import mirrored
from napari_sr.engine.image.conversion import as_array
from napari_sr.engine.planning.border import border_width
from napari_sr.engine.planning.settings import Settings
from napari_sr.evaluation.conformal import Calibration, CalibrationError, calibration_of, width_of
from napari_sr.evaluation.uncertainty import uncertainty
from napari_sr.layers.bt601 import LUMA_OF_BLACK, LUMA_OF_WHITE
from napari_sr.training.checkpointing import export
from napari_sr.zoo.card import card_of
from napari_sr.zoo.checkpoint import read_checkpoint

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from napari_sr.graph.network import Network

MOST_ABOUT = 80
"""Largest number of letters of the images' names in a card."""


def calibrate(
    pairs: Iterable[tuple[Any, Any]],
    model: str | Path | Network,
    scale: int | None = None,
    *,
    value_range: tuple[float, float] | None = None,
    axes: str | None = None,
    about: str = "",
    target: str | Path | None = None,
    device: str = "auto",
) -> Calibration:
    """Measure a model's errors on pairs that it has never seen, at each spread over eight views.

    Parameters
    ----------
    pairs : iterable of (array, array)
        A small image and its truth, which is `scale` times larger along Y and X, in the same
        values. The promise is for images like these, so more and different pairs are better.
    model, scale : optional
        As for `napari_sr.load`, or a network that it returned.
    value_range : (low, high), optional
        Black and white of all images; by default as for `napari_sr.upscale`.
    axes : str, optional
        One letter per axis of all images, as for `napari_sr.upscale`.
    about : str
        What the images show and how they were taken, in a few words, for messages.
    target : str or Path, optional
        File to write, which must not exist: the model, with the calibration in its card.
    device : str
        As for `napari_sr.upscale`.

    Returns
    -------
    Calibration
        Bounds of the error with 50, 80, 90 and 95 % probability.

    Raises
    ------
    ValueError
        If a pair does not fit the scale, or the target exists.
    napari_sr.evaluation.conformal.CalibrationError
        If there are too few pixels.
    """
    network = load(model, scale) if isinstance(model, str | Path) else model
    place = None if target is None else Path(target).expanduser()
    if place is not None and place.exists():
        raise ValueError(f"the file {place} exists already: choose another name")
    measured = []
    for small, truth in pairs:
        large = as_array(truth)
        found = uncertainty(small, network, axes=axes, value_range=value_range, device=device)
        if found.result.shape != large.shape:
            raise ValueError(f"a truth must have the shape {found.result.shape}, got {large.shape}")
        width = width_of(found.record)
        error = found.result.astype(np.float64) - large
        measured.append((found.spread / width, error / width))
    calibration = calibration_of(measured, about=about)
    if place is not None:
        _write(network, calibration, place)
    return calibration


def _write(network: Network, calibration: Calibration, target: Path) -> None:
    """Write the network's file again, with the calibration in its card."""
    file = network.provenance.get("file")
    if file is None or "blended" in network.provenance:
        raise CalibrationError("only a model from a single file can be written with a calibration")
    path = Path(str(file))
    card = {"scale": network.scale, **card_of(path), "calibration": calibration.as_json()}
    target.parent.mkdir(parents=True, exist_ok=True)
    export(target, read_checkpoint(path), card)


def add_calibration(
    path: Path, network: Network, pairs: Sequence[tuple[Tensor, Tensor]], about: str
) -> None:
    """Add errors on validation pairs to the card of a training's result.

    It takes as long as eight validations. Too few pixels give no calibration.

    Parameters
    ----------
    path : Path
        The result, which is replaced.
    network : Network
        Its network in evaluation mode, which gets its weights.
    pairs, about
        As for `calibration_on`.
    """
    weights = read_checkpoint(path)
    network.load_state_dict(weights)
    with suppress(CalibrationError):
        found = calibration_on(network, pairs, about[:MOST_ABOUT])
        export(path, weights, {**card_of(path), "calibration": found.as_json()})


@torch.no_grad()
def calibration_on(
    network: Network, pairs: Sequence[tuple[Tensor, Tensor]], about: str = ""
) -> Calibration:
    """Return the calibration of a network on validation pairs, without a border of S pixels.

    Images are extended by reflection as those of a run, whose errors the calibration is to bound.

    Parameters
    ----------
    network : Network
        In evaluation mode.
    pairs : sequence of (C, H, W) and (C, S * H, S * W)
        In the network's own values, as `Pairs` gives them.
    about : str
        The kind of images, in words.

    Raises
    ------
    CalibrationError
        If there are too few pixels.
    """
    luma = network.channels == 1 and not network.full_range
    width = LUMA_OF_WHITE - LUMA_OF_BLACK if luma else 1.0
    device, border = next(network.parameters()).device, network.scale
    inner = (..., slice(border, -border), slice(border, -border))
    measured: list[tuple[NDArray[Any], NDArray[Any]]] = []
    width_around = border_width(network, Settings())
    for small, hr in pairs:
        lr = _extended(small, width_around).to(device)
        rows, columns = (_inside(size, width_around * network.scale) for size in hr.shape[-2:])
        views = torch.stack([_seen(network, lr, turns, mirrored)[..., rows, columns].cpu()
                             for turns in range(4) for mirrored in (False, True)])  # fmt: skip
        parts = views.std(dim=0, correction=0)[inner], (views.mean(dim=0) - hr)[inner]
        measured.append((parts[0].numpy() / width, parts[1].numpy() / width))
    return calibration_of(measured, about=about)


def _extended(image: Tensor, width: int) -> Tensor:
    """Return an image, (C, H, W), with `width` reflected pixels on each side."""
    for axis in (-2, -1):
        size = image.shape[axis]
        places = mirrored(np.arange(size + 2 * width) - width, size, twice=True)
        image = image.index_select(axis, torch.from_numpy(places))
    return image


def _inside(length: int, width: int) -> slice:
    return slice(width, width + length)


def _seen(network: Network, image: Tensor, turns: int, mirrored: bool) -> Tensor:
    """Return the result for one view of an image, (C, H, W), turned back."""
    view = torch.rot90(image.flip(-1) if mirrored else image, turns, (-2, -1))
    large = torch.rot90(network(view[None].contiguous())[0].float(), -turns, (-2, -1))
    return large.flip(-1) if mirrored else large
