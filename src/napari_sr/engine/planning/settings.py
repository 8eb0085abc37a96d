"""Settings of a run that a user chooses, besides image and model. Nothing here imports torch."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari_sr.engine.image.value_range import Percentiles


ENGINE_VARIABLE = "NAPARI_SR_ENGINE"
"""The environment variable that replaces the engine "auto"."""

_MORE = ("spread", "unrounded")
"""Settings that only add a second result or leave the result unrounded."""
_OF_SOME = ("noise",)
"""Settings that are None for most networks, and then are left out of records."""


class EngineError(ValueError):
    """The chosen engine does not exist, is not installed or cannot compute the run."""


class NoiseError(ValueError):
    """The level of the noise is wrong, or the network does not take it."""


@dataclass(frozen=True)
class Settings:
    """Settings of a run."""

    tile: int | None = None
    """Largest side of a tile in LR pixels, halo included; None to limit it by free memory and, on a
    CPU, by time. Tiles may be smaller, to cut a plane evenly, or because their feature maps would
    be too large for the device's libraries."""
    halo: int | None = None
    """Number of LR pixels that a tile reads around the part that it keeps; None for as many as the
    network needs for tiles without seams."""
    device: str = "auto"
    """"auto", "cpu", "cuda", "cuda:1" or "mps"."""
    precision: str = "auto"
    """"auto", "float32", "float16" or "bfloat16"."""
    value_range: tuple[float, float] | Percentiles | None = None
    """Values of black and white, or percentiles that give them; None for the ends of an integer
    type, and 0..1 for floats."""
    kernels: str = "auto"
    """"auto": fused kernels where they are fast; "reference": plain PyTorch; "triton": kernels, and
    an error where they cannot run. The environment variable NAPARI_SR_KERNELS replaces "auto"."""
    outliers: str = "clip"
    """Treatment of results far outside the range of the plane's values: "clip", "mark" (as NaN;
    floats only) or "keep"."""
    ensemble: bool = False
    """Whether the result is the mean over all flips and quarter turns, for eight times the work."""
    engine: str = "auto"
    """"auto": the fastest installed engine whose results are right; "torch"; or "openvino" or
    "onnxruntime" (only on a CPU, in float32; with the precision "bfloat16", OpenVINO computes in
    bfloat16). The environment variable NAPARI_SR_ENGINE replaces "auto"."""
    border: str = "auto"
    """Pixels beyond the border of a plane. "auto": reflected where the network allows it, so that
    flat images stay flat; "reflect": reflected for networks with global values, too; "zeros": only
    the network's own zero padding, for comparison with papers."""
    noise: float | tuple[float, ...] | None = None
    """Standard deviation of the noise, in values of the image, for networks that take it: one
    number, or one for each channel along C. None to estimate it from the image."""
    spread: bool = False
    """Whether the standard deviation over an ensemble's eight orientations is a second result."""
    unrounded: bool = False
    """Whether an integer image gives unrounded floats, which can be averaged with other results."""

    @property
    def of_result(self) -> dict[str, object]:
        """The settings that repeat a result: all except `spread` and `unrounded`."""
        return {
            name: value
            for name, value in asdict(self).items()
            if name not in _MORE and not (name in _OF_SOME and value is None)
        }

    @property
    def chosen_engine(self) -> str:
        """The engine; the environment variable replaces "auto"."""
        return (os.environ.get(ENGINE_VARIABLE) or "auto") if self.engine == "auto" else self.engine
