"""Judging: metrics, benchmark sets, tables.

The metrics take arrays and are imported from here: `psnr`, `ssim`, `imresize`, `frc`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari_sr.evaluation.frc import frc
    from napari_sr.evaluation.imresize import imresize
    from napari_sr.evaluation.psnr import psnr
    from napari_sr.evaluation.ssim import ssim

__all__ = ["frc", "imresize", "psnr", "ssim"]


def __getattr__(name: str) -> Any:
    """Import a metric when it is first asked for; each is a file of its own name."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    metric = getattr(import_module(f"{__name__}.{name}"), name)
    # importing the file has put the module where the function belongs
    globals()[name] = metric
    return metric


def __dir__() -> list[str]:
    return sorted(__all__)
