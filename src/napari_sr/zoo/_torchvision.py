"""Import packages that need torchvision, even if torchvision was built for another torch.

With another build of torch, such as one for the CPU, torchvision's compiled part does not load, and
its Python part fails because operators are missing. Packages that use only the Python part work if
these operators are declared, even without code.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from types import ModuleType

_DECLARED: list[Any] = []
"""Keeps the declared operators alive."""


@cache
def import_on_torchvision(name: str) -> ModuleType:
    """Import a package that imports torchvision and uses only its Python part.

    Parameters
    ----------
    name : str
        The package's import name.

    Raises
    ------
    ImportError, RuntimeError, OSError
        If the package or torchvision is missing or broken.
    """
    try:
        import_module("torchvision")
    except RuntimeError as error:
        if "torchvision::" not in str(error):
            raise
        make: Any = torch.library.Library  # the class has no types
        declared = make("torchvision", "FRAGMENT")
        for operator in ("nms", "qnms"):
            declared.define(
                f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
            )
        _DECLARED.append(declared)
    return import_module(name)
