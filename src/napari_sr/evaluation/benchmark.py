"""How well networks enlarge the images of a set, by the protocol of the papers.

The 8-bit image is upscaled in float and clipped; unrounded BT.601 luma is judged, without `scale`
pixels of border. Networks of luma are given luma alone, as their papers do. A grey file counts as
it is: IMDN's and later papers' figures for Set14 come from its "bridge" as RGB, which gives the
mean 0.09 dB more; see `grey_as_rgb`.

Letters: H x W pixels, S scale.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import fmean
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_sr import api
from napari_sr.evaluation._images import LUMA_OF_BLACK, luma_of, unit_range
from napari_sr.evaluation._psnr import psnr
from napari_sr.evaluation._ssim import WINDOW, ssim

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from napari_sr.evaluation.sets import ImageSet, Pair
    from napari_sr.models._network import Network

LUMA_OF_WHITE = 235 / 255


@dataclass(frozen=True)
class Row:
    """How near a network's result came to one image."""

    image: str
    psnr: float
    """In dB."""
    ssim: float
    """NaN where the image is smaller than SSIM's window."""


@dataclass(frozen=True)
class Table:
    """How near a network's results came to all images of a set."""

    model: str
    set_name: str
    scale: int
    rows: tuple[Row, ...]
    made: bool
    """Whether small images were made by us rather than read."""

    @property
    def psnr(self) -> float:
        """The mean over images, in dB."""
        return fmean(row.psnr for row in self.rows)

    @property
    def ssim(self) -> float:
        """The mean over images."""
        return fmean(row.ssim for row in self.rows)


@dataclass(frozen=True)
class Protocol:
    """How images are judged."""

    luma: bool = True
    """Judge RGB by luma, and give luma alone to networks of luma; else all channels."""
    border: int | None = None
    """Pixels left out along every side; None: the scale."""
    grey_as_rgb: bool = False
    """Treat grey images of the set as RGB of three equal channels."""
    options: dict[str, Any] = field(default_factory=dict)
    """What `napari_sr.upscale` is given beside image and network, such as `ensemble`."""


def enlarged(network: Network, pair: Pair, protocol: Protocol) -> NDArray[np.float64]:
    """Return a network's result in 0..1 as it is judged: luma, (S H, S W), grey or RGB."""
    small = unit_range(_entering(pair.small, protocol))
    black, white = 0.0, 1.0
    if protocol.luma and network.channels == 1 and small.ndim == 3:
        small, black, white = luma_of(small), LUMA_OF_BLACK, LUMA_OF_WHITE
    axes = "YX" if small.ndim == 2 else "YXC"
    large = api.upscale(small, network, axes=axes, **protocol.options)
    clipped: NDArray[np.float64] = np.clip(large, black, white)
    return clipped


def truth_of(result: NDArray[Any], pair: Pair, protocol: Protocol) -> NDArray[np.float64]:
    """Return the truth of an image as its result is judged."""
    large = unit_range(_entering(pair.large, protocol))
    return luma_of(large) if result.ndim == 2 and large.ndim == 3 else large


def _entering(image: NDArray[Any], protocol: Protocol) -> NDArray[Any]:
    if protocol.grey_as_rgb and image.ndim == 2:
        return np.repeat(image[..., None], 3, axis=2)
    return image


def judge(result: NDArray[Any], pair: Pair, scale: int, protocol: Protocol) -> Row:
    """Compare one result with its truth."""
    truth = truth_of(result, pair, protocol)
    border = scale if protocol.border is None else protocol.border
    near = psnr(result, truth, border=border, luma=protocol.luma)
    if min(truth.shape[:2]) - 2 * border < WINDOW:
        return Row(pair.name, near, float("nan"))
    return Row(pair.name, near, ssim(result, truth, border=border, luma=protocol.luma))


def evaluate(
    network: Network,
    images: ImageSet,
    *,
    model: str = "",
    protocol: Protocol | None = None,
    seen: Callable[[Pair, NDArray[np.float64], Row], object] | None = None,
) -> Table:
    """Upscale and judge a set image by image.

    Parameters
    ----------
    network : Network
        As `napari_sr.load` returns it.
    images : ImageSet
        The set.
    model : str
        What to call the network in the table.
    protocol : Protocol, optional
        How to judge; by default as the papers do.
    seen : callable, optional
        Gets every image, its result and its row as they come.

    Raises
    ------
    FileError
        If the set cannot be read.
    """
    protocol = protocol or Protocol()
    rows: list[Row] = []
    made = False
    for pair in images.pairs(network.scale):
        result = enlarged(network, pair, protocol)
        rows.append(judge(result, pair, network.scale, protocol))
        made |= pair.made
        if seen is not None:
            seen(pair, result, rows[-1])
    return Table(model, images.name, network.scale, tuple(rows), made)
