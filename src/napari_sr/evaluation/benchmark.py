"""Evaluation of networks on image sets, by the protocol of the papers.

8-bit images are upscaled in floating point, and clipped. Scores are of unrounded BT.601 luma,
without a border of `scale` pixels. Luma networks get luma alone, as in their papers. Grey files are
scored as grey. IMDN's and later papers score Set14's grey "bridge" as RGB, which raises the mean by
0.09 dB; see `grey_as_rgb`.

Symbols: H x W pixels, S scale.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_sr import api
from napari_sr.evaluation import metrics
from napari_sr.evaluation._images import is_flat, luma_of, unit_range
from napari_sr.evaluation.table import Row, Table
from napari_sr.layers.bt601 import LUMA_OF_BLACK, LUMA_OF_WHITE

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from napari_sr.evaluation.metrics import Metric
    from napari_sr.evaluation.sets import ImageSet, Pair
    from napari_sr.graph.network import Network


@dataclass(frozen=True)
class Protocol:
    """The settings of an evaluation.

    Raises
    ------
    ValueError
        If a metric is unknown, or no metric is named.
    """

    luma: bool = True
    """Whether to score only the luma of RGB, and give luma networks only luma; otherwise, all
    channels are scored."""
    border: int | None = None
    """Number of pixels left out along every side; None for the scale."""
    grey_as_rgb: bool = False
    """Whether to treat grey images of the set as RGB with three equal channels."""
    options: dict[str, Any] = field(default_factory=dict)
    """Further arguments of `napari_sr.upscale`, such as `ensemble`."""
    metrics: tuple[str, ...] = metrics.USUAL
    """Names in `metrics.METRICS`."""

    def __post_init__(self) -> None:
        metrics.chosen(self.metrics)

    @property
    def judges(self) -> tuple[Metric, ...]:
        """The metrics, without repetitions."""
        return metrics.chosen(self.metrics)

    def entering(self, image: NDArray[Any], white: float | None = None) -> NDArray[np.float64]:
        """Convert an image of the set to 0..1, before any conversion to luma.

        Parameters
        ----------
        image : array, (H, W) or (H, W, 3)
            The image in the file.
        white : float, optional
            The value of white; by default, the largest value of the type.
        """
        if self.grey_as_rgb and image.ndim == 2:
            image = np.repeat(image[..., None], 3, axis=2)
        return unit_range(image, None if white is None else (0.0, white))


class Result:
    """A network's result for one image: the scored channels, and the colours.

    Parameters
    ----------
    network : Network
        As `napari_sr.load` returns it.
    pair : Pair
        The image; its scale is the network's.
    protocol : Protocol
        How the result is scored.
    """

    def __init__(self, network: Network, pair: Pair, protocol: Protocol) -> None:
        self.network, self.pair, self.protocol = network, pair, protocol

    @cached_property
    def judged(self) -> NDArray[np.float64]:
        """The scored result in 0..1: grey or luma, (S * H, S * W), or colour, (S * H, S * W, 3)."""
        lr = self.protocol.entering(self.pair.lr, self.pair.white)
        if self.protocol.luma and self.network.channels == 1 and lr.ndim == 3:
            return self._upscaled(luma_of(lr), LUMA_OF_BLACK, LUMA_OF_WHITE)
        return self._upscaled(lr)

    @cached_property
    def seen(self) -> NDArray[np.float64]:
        """The result in colour; for a luma network, chroma is enlarged bicubically."""
        lr = self.protocol.entering(self.pair.lr, self.pair.white)
        if self.judged.ndim == lr.ndim:
            return self.judged
        return self._upscaled(lr)

    def _upscaled(
        self, lr: NDArray[np.float64], black: float = 0.0, white: float = 1.0
    ) -> NDArray[np.float64]:
        axes = "YX" if lr.ndim == 2 else "YXC"
        # PyTorch needs no compilation, unlike other engines; papers pad with zeros
        usual = {"value_range": (black, white), "engine": "torch", "border": "zeros"}
        options = {**usual, **self.protocol.options}
        result = api.upscale(lr, self.network, axes=axes, **options)
        clipped: NDArray[np.float64] = np.clip(result, black, white)
        return clipped

    @cached_property
    def truth(self) -> NDArray[np.float64]:
        """The true HR image with its colours, in 0..1."""
        return self.protocol.entering(self.pair.hr, self.pair.white)

    @property
    def border(self) -> int:
        """Pixels left out along every side."""
        return self.network.scale if self.protocol.border is None else self.protocol.border

    def figure(self, metric: Metric) -> float:
        """Compare with the truth; NaN if the image is too small for the metric."""
        result, truth = (self.seen if metric.colours else self.judged), self.truth
        if result.ndim < truth.ndim:
            truth = luma_of(truth)
        # if no pixel remains, the metric raises its error
        if 0 < min(truth.shape[:2]) - 2 * self.border < metric.least:
            return float("nan")
        return metric.compare(result, truth, border=self.border, luma=self.protocol.luma)

    def row(self) -> Row:
        """Compare with the truth by all metrics of the protocol."""
        figures = {metric.name: self.figure(metric) for metric in self.protocol.judges}
        return Row(self.pair.name, figures, is_flat(self.truth, self.border, self.protocol.luma))


def evaluate(
    network: Network,
    images: ImageSet,
    *,
    model: str = "",
    protocol: Protocol | None = None,
    seen: Callable[[Result, Row], object] | None = None,
) -> Table:
    """Upscale and score a set, image by image.

    Parameters
    ----------
    network : Network
        As `napari_sr.load` returns it.
    images : ImageSet
        The set.
    model : str
        The network's name in the table.
    protocol : Protocol, optional
        The settings, with the metrics; by default, as in papers.
    seen : callable, optional
        Called with every result and its row.

    Raises
    ------
    FileError
        If the set cannot be read.
    ValueError
        If an image cannot be scored; the message names image and reason.
    napari_sr.evaluation.perceptual.MissingPackageError, napari_sr.zoo.download.DownloadError
        If a metric's package or weights are missing; no image is upscaled then.
    """
    protocol = protocol or Protocol()
    for metric in protocol.judges:
        metric.prepare()
    rows: list[Row] = []
    made = False
    for pair in images.pairs(network.scale):
        result = Result(network, pair, protocol)
        rows.append(_row(result))
        made |= pair.made
        if seen is not None:
            seen(result, rows[-1])
    return Table(model, images.name, network.scale, tuple(rows), made)


def _row(result: Result) -> Row:
    try:
        return result.row()
    except ValueError as error:
        raise ValueError(f"{result.pair.name}: {error}") from error
