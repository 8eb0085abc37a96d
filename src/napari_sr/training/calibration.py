"""Calibrate a model: measure how large its errors are at each spread.

The spread is the standard deviation of eight results for one pixel: the image is upscaled in eight
orientations, and the results are turned back. Errors are measured on images whose true HR image
(the truth) is known.

Symbols: C channels, H x W pixels of the LR image, S scale.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from napari_sr.engine.image.conversion import as_array
from napari_sr.engine.image.sampling import mirrored
from napari_sr.engine.planning.border import border_width
from napari_sr.engine.planning.settings import Settings
from napari_sr.evaluation.conformal import Calibration, CalibrationError, calibration_of, width_of
from napari_sr.evaluation.uncertainty import uncertainty
from napari_sr.layers.bt601 import LUMA_OF_BLACK, LUMA_OF_WHITE
from napari_sr.loading import load
from napari_sr.training.checkpointing import export
from napari_sr.zoo.card import card_of
from napari_sr.zoo.checkpoint import read_checkpoint
from napari_sr.zoo.provenance import SEVERAL

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from napari_sr.graph.network import Network

MOST_ABOUT = 80
"""Largest number of characters of the images' names in a card."""


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
    """Measure how a model's errors depend on the spread, on pairs that it has never seen.

    Parameters
    ----------
    pairs : iterable of (array, array)
        LR images, each with its true HR image, which is `scale` times larger along Y and X and has
        the same intensity scale. The bounds hold for similar images only, so use many varied pairs.
    model, scale : optional
        As for `napari_sr.load`; `model` may also be a network that `load` returned.
    value_range : (low, high), optional
        Black and white of all images; by default as for `napari_sr.upscale`.
    axes : str, optional
        One letter per axis of all images, as for `napari_sr.upscale`.
    about : str
        Short description for messages: what the images show, and how they were taken.
    target : str or Path, optional
        File to write, which must not exist yet: a copy of the model, with the calibration in its
        card (the metadata of the file).
    device : str
        As for `napari_sr.upscale`.

    Returns
    -------
    Calibration
        Error bounds for probabilities of 50, 80, 90 and 95 %.

    Raises
    ------
    ValueError
        If a pair does not fit the scale, or the target exists.
    napari_sr.evaluation.conformal.CalibrationError
        If there are too few pixels.
    """
    network = load(model, scale) if isinstance(model, str | Path) else model
    path = None if target is None else Path(target).expanduser()
    if path is not None and path.exists():
        raise ValueError(f"the file {path} already exists: choose another name")
    measured = []
    for lr, truth in pairs:
        hr = as_array(truth)
        found = uncertainty(lr, network, axes=axes, value_range=value_range, device=device)
        if found.result.shape != hr.shape:
            raise ValueError(f"a truth must have the shape {found.result.shape}, got {hr.shape}")
        width = width_of(found.record)
        error = found.result.astype(np.float64) - hr
        measured.append((found.spread / width, error / width))
    calibration = calibration_of(measured, about=about)
    if path is not None:
        _write(network, calibration, path)
    return calibration


def _write(network: Network, calibration: Calibration, target: Path) -> None:
    """Copy the network's file, and add the calibration to its card."""
    file = network.provenance.get("file")
    if file is None or any(key in network.provenance for key in SEVERAL):
        got = "one without a file" if file is None else "several files"
        raise CalibrationError(
            f"a calibration can be saved only for a model from a single file, got {got} of "
            f"{network.title}"
        )
    path = Path(str(file))
    card = {"scale": network.scale, **card_of(path), "calibration": calibration.as_json()}
    target.parent.mkdir(parents=True, exist_ok=True)
    export(target, read_checkpoint(path), card)


def add_calibration(
    path: Path, network: Network, pairs: Sequence[tuple[Tensor, Tensor]], about: str
) -> None:
    """Calibrate a trained network on validation pairs, and add the calibration to its card.

    This takes as long as eight validations. If there are too few pixels, the file does not change.

    Parameters
    ----------
    path : Path
        File of the trained network, which is replaced.
    network : Network
        The network in evaluation mode; the file's weights are loaded into it.
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

    Images are extended by reflection, as when upscaling, because the calibration must bound the
    errors of upscaled images.

    Parameters
    ----------
    network : Network
        In evaluation mode.
    pairs : sequence of (C, H, W) and (C, S * H, S * W)
        LR and HR images in the network's value range, as from `Pairs`.
    about : str
        Description of the images.

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
    for image, hr in pairs:
        lr = extended(image, width_around).to(device)
        rows, columns = (_inside(size, width_around * network.scale) for size in hr.shape[-2:])
        views = torch.stack([_seen(network, lr, turns, mirrored)[..., rows, columns].cpu()
                             for turns in range(4) for mirrored in (False, True)])  # fmt: skip
        parts = views.std(dim=0, correction=0)[inner], (views.mean(dim=0) - hr)[inner]
        measured.append((parts[0].numpy() / width, parts[1].numpy() / width))
    return calibration_of(measured, about=about)


def extended(image: Tensor, width: int) -> Tensor:
    """Return an image, (C, H, W), with `width` reflected pixels on each side."""
    for axis in (-2, -1):
        size = image.shape[axis]
        indices = mirrored(np.arange(size + 2 * width) - width, size)
        image = image.index_select(axis, torch.from_numpy(indices))
    return image


def _inside(length: int, width: int) -> slice:
    return slice(width, width + length)


def _seen(network: Network, image: Tensor, turns: int, mirrored: bool) -> Tensor:
    """Upscale an image, (C, H, W), in one of eight orientations, and turn the result back."""
    view = torch.rot90(image.flip(-1) if mirrored else image, turns, (-2, -1))
    result = torch.rot90(network(view[None].contiguous())[0].float(), -turns, (-2, -1))
    return result.flip(-1) if mirrored else result
