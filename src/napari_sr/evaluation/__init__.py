"""Evaluation: metrics, benchmark sets, tables.

The metrics take arrays and are imported from here: `psnr`, `ssim`, `imresize`, `frc`,
`single_frc`, `decorrelation`, `error_map`, `resolution`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari_sr.evaluation._decorrelation import decorrelation
    from napari_sr.evaluation._error_map import error_map
    from napari_sr.evaluation._frc import frc
    from napari_sr.evaluation._imresize import imresize
    from napari_sr.evaluation._psnr import psnr
    from napari_sr.evaluation._resolution import resolution
    from napari_sr.evaluation._single_frc import single_frc
    from napari_sr.evaluation._ssim import ssim

__all__ = [
    "decorrelation", "error_map", "frc", "imresize", "psnr", "resolution", "single_frc", "ssim",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    """Import a metric at its first use."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}._{name}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
