"""Uncertainty of a result: the spread over eight views of the image, and over several models.

A network that has learnt its task gives the same result for an image and for its mirror image.
Where the results differ, the network is uncertain. The spread of the results ranks errors, but does
not measure them, because all views share the network's mistakes.

Spread over transformed inputs: Wang et al., "Aleatoric
uncertainty estimation with test-time augmentation for medical image segmentation with convolutional
neural networks", Neurocomputing 2019, https://arxiv.org/abs/1807.07356. Over several networks:
Lakshminarayanan et al., "Simple and Scalable Predictive Uncertainty Estimation using Deep
Ensembles", NeurIPS 2017, https://arxiv.org/abs/1612.01474.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_sr.api import request_of
from napari_sr.engine.image.guards import check_outliers
from napari_sr.engine.planning.settings import Settings
from napari_sr.evaluation.conformal import CalibrationError, width_of
from napari_sr.evaluation.known_calibration import calibration_for
from napari_sr.evaluation.mean_of_models import MeanOfModels
from napari_sr.graph.factor import in_words
from napari_sr.runs import cache
from napari_sr.runs.factor import factor_of
from napari_sr.runs.run import Request, drive, run_request, translate

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator
    from fractions import Fraction
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_sr.engine.execution.context import Progress
    from napari_sr.engine.image.arrays import ArrayLike
    from napari_sr.engine.image.value_range import Percentiles
    from napari_sr.evaluation.conformal import Calibration
    from napari_sr.graph.network import Network


@dataclass(frozen=True)
class Uncertainty:
    """A result, and its spread over views and models; can be unpacked into both."""

    result: Any
    """The mean of all results, as `napari_sr.upscale` returns it."""
    spread: Any
    """Standard deviation of the results, before rounding and clipping to the image's type: float32
    in the image's values, with the axes and the shape of `result`. NaN where the result is NaN."""
    record: dict[str, object] = field(default_factory=dict)
    """Model, settings and versions, as in a layer's metadata; empty if `out` was given."""

    def __iter__(self) -> Iterator[Any]:
        return iter((self.result, self.spread))

    def error_below(
        self, level: float = 0.9, calibration: Calibration | None = None
    ) -> NDArray[np.float32]:
        """Return a bound for the error of each pixel.

        On images like those of the calibration, the error is below it with the given probability.

        Parameters
        ----------
        level : float
            The probability: 0.5, 0.8, 0.9 or 0.95.
        calibration : Calibration, optional
            By default, the one in the card of the model, which training in napari writes.

        Returns
        -------
        array of float32
            In the image's values, with the axes and the shape of `result`.

        Raises
        ------
        napari_sr.evaluation.conformal.CalibrationError
            If the model is not calibrated, or not at this level.
        """
        known = calibration_for(self.record) if calibration is None else calibration
        if "value_range" not in self.record:
            raise CalibrationError("a result that was written into `out` has no record of its run")
        return known.bound(self.spread, level, width_of(self.record))


def uncertainty(
    image: ArrayLike,
    model: str | Path | Network | None = None,
    scale: float | Fraction | None = None,
    *,
    models: Sequence[str | Path | Network] = (),
    ensemble: bool = True,
    axes: str | None = None,
    tile: int | None = None,
    halo: int | None = None,
    device: str = "auto",
    precision: str = "auto",
    kernels: str = "auto",
    outliers: str = "clip",
    value_range: tuple[float, float] | Percentiles | None = None,
    engine: str = "auto",
    border: str = "auto",
    noise: float | None = None,
    pixel_size: tuple[float, float] | None = None,
    region: tuple[tuple[int, int], tuple[int, int]] | None = None,
    out: tuple[Any, Any] | None = None,
    progress: Callable[[Progress], object] | None = None,
) -> Uncertainty:
    """Upscale an image, and map how much the result depends on the view of the image or the model.

    Each plane is upscaled in eight views: flips and quarter turns. The result is the mean over the
    views, and equals that of `upscale(..., ensemble=True)` bit for bit. The spread is the standard
    deviation over the views: the root of the mean squared difference from the mean.

    Parameters
    ----------
    image, model, scale, axes, tile, halo, device, precision, kernels, outliers : optional
        As for `napari_sr.upscale`.
    models : sequence of str, Path or Network
        Further models of the same scale. Mean and spread are then over the views of all of them;
        the mean is rounded once. Memory must hold mean and spread twice.
    ensemble : bool
        Whether to use the eight views; otherwise, the spread is over the models only.
    value_range, engine, border, noise, pixel_size, region, progress : optional
        As for `napari_sr.upscale`.
    out : (array, array), optional
        Two arrays for result and spread: Zarr, NumPy, h5py or similar, with the shape of the
        result; the first has the image's type, the second is float32. Both are computed block by
        block, so that they need not fit into memory. Only for a single model.

    Returns
    -------
    Uncertainty
        `result, spread = uncertainty(...)`. In memory, the spread takes four bytes for each value
        of the result. During computation, a plane takes eight more, for its mean and spread.

    Raises
    ------
    ValueError
        As `napari_sr.upscale` does; or if the models differ in scale, there is only one model and
        no ensemble, or `out` is given for several models.
    napari_sr.engine.planning.devices.OutOfMemoryError
        If the smallest tile does not fit.
    """
    settings = Settings(
        tile, halo, device, precision, value_range, kernels, outliers, ensemble, engine, border,
        noise, spread=ensemble,
    )  # fmt: skip
    scale = factor_of(scale, pixel_size)
    first = request_of(image, model, scale, settings, axes, region)
    others = [request_of(image, other, scale, settings, axes, region) for other in _listed(models)]
    if not others and not ensemble:
        raise ValueError(
            "an uncertainty needs several results: several models, or ensemble=True; got one "
            f"model, {first.model.label}, and ensemble={ensemble}"
        )
    if out is not None:
        return _into(out, [first, *others], progress)
    return drive(uncertainty_steps([first, *others]), progress)


def _listed(models: object) -> list[Any]:
    if isinstance(models, str) or not isinstance(models, Sequence):
        raise ValueError(f"models must be a list of models, got {models!r}")
    return list(models)


def _into(
    out: tuple[Any, Any], requests: list[Request], progress: Callable[[Progress], object] | None
) -> Uncertainty:
    """Compute result and spread of a single model block by block."""
    from napari_sr.streaming.arrays import upscale_into

    if len(requests) > 1:
        raise ValueError(f"out can be given only for a single model, got {len(requests)} models")
    if not isinstance(out, tuple) or len(out) != 2 or out[0] is out[1]:
        raise ValueError(f"out must be two arrays, for result and spread, got {out!r:.60}")
    request = requests[0]
    drive(upscale_into(request, out[0], spread=out[1]), progress)
    return Uncertainty(*out)


def uncertainty_steps(requests: Sequence[Request]) -> Generator[Progress, None, Uncertainty]:
    """Do the same as `uncertainty`; yield progress after every tile.

    Parameters
    ----------
    requests : sequence of Request
        Requests to upscale the same image, one for each model. If there is only one, its settings
        must request the `spread`.

    Raises
    ------
    ValueError
        If the models differ in scale, or one of the requests is wrong.
    """
    if len(requests) == 1:
        one = yield from run_request(requests[0])
        return Uncertainty(one.pixels, one.spread, one.record)
    networks = [cache.load(request.model) for request in requests]
    scales = [network.factor for network in networks]
    if len(set(scales)) > 1:
        raise ValueError(f"models must have the same scale, got {', '.join(map(in_words, scales))}")
    dtype = np.dtype(requests[0].image.dtype)
    check_outliers(requests[0].settings.outliers, dtype)
    total = MeanOfModels()
    for done, (request, network) in enumerate(zip(requests, networks, strict=True)):
        asked = replace(request, settings=replace(request.settings, unrounded=True))
        of_all = partial(_of_all, done, len(requests))
        total.add((yield from translate(run_request(asked, network), of_all)))
    mean, spread, record = total.end(dtype)
    return Uncertainty(mean, spread, record)


def _of_all(before: int, count: int, step: Progress) -> Progress:
    """Convert the progress of one of several runs to the progress of all."""
    return replace(
        step,
        done=before * step.total + step.done,
        total=count * step.total,
        share=(before + step.share) / count,
        seconds_left=None,
    )
