"""Import what stands on torchvision, also where torchvision was built for another torch.

Beside a torch of another build (one for the CPU, say), torchvision's compiled part does not load,
and then its Python part stops at operators that are not there. What only uses the Python part works
all the same: the operators are declared, and remain without code.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from types import ModuleType

_DECLARED: list[Any] = []
"""What is declared lasts as long as this."""


@cache
def import_on_torchvision(name: str) -> ModuleType:
    """Import a package that imports torchvision and uses only its Python part.

    Parameters
    ----------
    name : str
        The package's name for Python.

    Raises
    ------
    ImportError, RuntimeError, OSError
        If it or torchvision is missing or broken.
    """
    try:
        import_module("torchvision")
    except RuntimeError as error:
        if "torchvision::" not in str(error):
            raise
        make: Any = torch.library.Library  # it says no types
        declared = make("torchvision", "FRAGMENT")
        for operator in ("nms", "qnms"):
            declared.define(
                f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
            )
        _DECLARED.append(declared)
    return import_module(name)
