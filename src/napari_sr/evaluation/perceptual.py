"""Perceptual distances between two images, from networks trained on human judgements.

Both metrics need the optional packages of `napari-sr[perceptual]`. At first use, piq downloads the
weights of the feature network, about 500 MB.

LPIPS: Zhang et al., "The unreasonable effectiveness of deep features as a perceptual metric", CVPR
2018, https://arxiv.org/abs/1801.03924
DISTS: Ding et al., "Image quality assessment: unifying structure and texture similarity", IEEE
TPAMI 44(5), 2022, https://arxiv.org/abs/2004.07728

Symbols: H x W pixels.
"""

from __future__ import annotations

import warnings
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from napari_sr.evaluation._images import comparable
from napari_sr.zoo._torchvision import import_on_torchvision
from napari_sr.zoo.download import DownloadError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


LEAST = 16
"""Smallest side of an image in pixels; the feature network reduces it to 1 pixel."""
WEIGHTS = {"LPIPS": "lpips_weights.pt", "DISTS": "dists_weights.pt"}
VGG = "vgg16-397923af.pth"
"""File names of the downloaded weights."""


class MissingPackageError(ImportError):
    """An optional package is not installed."""


def lpips(
    result: ArrayLike,
    truth: ArrayLike,
    *,
    border: int = 0,
    value_range: tuple[float, float] | None = None,
) -> float:
    """Return the LPIPS distance (VGG16) between two images, 0 if they are equal.

    It was trained on photographs and says little about other images.

    Parameters
    ----------
    result, truth, border, value_range
        As for `psnr`; grey counts as RGB with three equal channels.

    Raises
    ------
    MissingPackageError
        If `napari-sr[perceptual]` is not installed.
    napari_sr.zoo.download.DownloadError
        If the weights are missing and cannot be downloaded.
    ValueError
        As for `psnr`, or if a side has less than 16 pixels.
    """
    return _distance("LPIPS", result, truth, border, value_range)


def dists(
    result: ArrayLike,
    truth: ArrayLike,
    *,
    border: int = 0,
    value_range: tuple[float, float] | None = None,
) -> float:
    """Return the DISTS distance between two images, 0 if they are equal.

    It tolerates texture that differs in detail but looks similar, such as a GAN's. Arguments and
    errors are as in `lpips`.
    """
    return _distance("DISTS", result, truth, border, value_range)


def _distance(
    name: str,
    result: ArrayLike,
    truth: ArrayLike,
    border: int,
    value_range: tuple[float, float] | None,
) -> float:
    pair = comparable(result, truth, border, False, value_range)
    height, width = pair[0].shape[:2]
    if min(height, width) < LEAST:
        raise ValueError(
            f"{name} needs at least {LEAST} x {LEAST} px inside the border, got {height} x {width}"
        )
    metric = _metric(name)
    images = []
    for image in pair:
        rgb = np.repeat(image, 3, axis=2) if image.shape[2] == 1 else image
        planes = torch.from_numpy(rgb.clip(0, 1).astype(np.float32)).permute(2, 0, 1)
        images.append(planes[None].contiguous())
    with torch.inference_mode():
        return float(metric(*images))


def prepare(name: str) -> None:
    """Read a metric's weights; they are downloaded once.

    Parameters
    ----------
    name : str
        "LPIPS" or "DISTS".

    Raises
    ------
    MissingPackageError
        If `napari-sr[perceptual]` is not installed.
    napari_sr.zoo.download.DownloadError
        If the weights are missing and cannot be downloaded.
    """
    _metric(name)


@lru_cache
def _metric(name: str) -> Any:
    """Return a metric of piq; its weights are read only once."""
    try:
        library = import_on_torchvision("piq")
    except (ImportError, RuntimeError, OSError) as error:
        raise MissingPackageError(
            f"{name} needs the package piq: pip install 'napari-sr[perceptual]' ({error})"
        ) from error
    try:
        with warnings.catch_warnings():
            # piq uses an outdated interface of torchvision
            warnings.simplefilter("ignore", UserWarning)
            return getattr(library, name)()
    except OSError as error:
        folder = Path(torch.hub.get_dir()) / "checkpoints"
        raise DownloadError(
            f"{name}'s weights could not be downloaded ({error}): put {WEIGHTS[name]} and {VGG} "
            f"into {folder}, as piq and torchvision publish them"
        ) from error
