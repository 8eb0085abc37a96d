"""What a user chooses for a run, besides image and model; imports no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari_sr.engine.image.value_range import Percentiles


@dataclass(frozen=True)
class Settings:
    """How to run a network."""

    tile: int | None = None
    """LR pixels along each side that a tile reads, halo included; None: by free memory. One whose
    feature maps are too large for the device's libraries becomes a smaller one."""
    halo: int | None = None
    """LR pixels around what a tile keeps, whatever the network sees; None: exactly what makes
    the tiles leave no trace."""
    device: str = "auto"
    """"auto", "cpu", "cuda", "cuda:1", "mps"."""
    precision: str = "auto"
    """"auto", "float32", "float16" or "bfloat16"."""
    value_range: tuple[float, float] | Percentiles | None = None
    """What counts as black and white; None: the range of integer types, 0..1 for floats."""
    kernels: str = "auto"
    """"auto": fused kernels where they are fast; "reference": plain PyTorch; "triton": kernels, and
    an error where they cannot run. The environment variable NAPARI_SR_KERNELS decides "auto"."""
    outliers: str = "clip"
    """What becomes of results far outside what the plane's values allow: "clip", "mark" (NaN,
    floats only) or "keep"."""
    ensemble: bool = False
    """Whether the result is the mean over all flips and quarter turns, at eight times the work."""
