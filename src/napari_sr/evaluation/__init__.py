"""Judging: metrics, benchmark sets, tables.

The metrics take arrays and are imported from here: `psnr`, `ssim`, `imresize`, `frc`.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari_sr.evaluation.frc import frc
    from napari_sr.evaluation.imresize import imresize
    from napari_sr.evaluation.psnr import psnr
    from napari_sr.evaluation.ssim import ssim

__all__ = ["frc", "imresize", "psnr", "ssim"]


class _Judging(ModuleType):
    """A package whose metrics are functions, though each is a file of the same name."""

    def __setattr__(self, name: str, value: Any) -> None:
        """Put the function where importing its file would put the module."""
        if name in __all__ and isinstance(value, ModuleType):
            value = getattr(value, name)
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Judging


def __getattr__(name: str) -> Any:
    """Import a metric when it is first asked for."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{name}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
