"""Fused GPU kernels for super-resolution networks, usable without the plugin.

An op is found by its file's name and described by the record `OP` at the file's foot. Each file is
imported only when its op is used, so a broken kernel breaks only itself.

No kernel has run on a GPU yet. All speed-ups ("at best", computed from bytes) and times in these
files are forecasts; `benchmarks/gpu/kernel_model.py` computes the times from the machine code.
"""

from __future__ import annotations

import pkgutil
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sr_kernels._choice import (
        add_launched,
        chosen,
        launched,
        launches_apart,
        reset_launched,
        use_kernels,
    )
    from sr_kernels._op import Op
    from sr_kernels._self_check import distrusted

__all__ = [
    "add_launched", "chosen", "distrusted", "launched", "launches_apart", "names", "op",
    "reset_launched", "use_kernels",
]  # fmt: skip
_OF_CHOICE = {*__all__} - {"distrusted", "names", "op"}


def names() -> list[str]:
    """Return the names of all ops: the names of the files here."""
    found = (module.name for module in pkgutil.iter_modules(__path__))
    return sorted(name for name in found if name[0] != "_")


def op(name: str) -> Op:
    """Return the record of one op, importing its file and no other.

    Raises
    ------
    ValueError
        If no op has this name.
    """
    if name not in names():
        raise ValueError(f"there is no op {name!r}; there are {', '.join(names())}")
    record: Op = import_module(f"{__name__}.{name}").OP
    return record


def __getattr__(name: str) -> Any:
    """Import the functions that choose, count and check kernels when they are first used."""
    if name in _OF_CHOICE:
        return getattr(import_module(f"{__name__}._choice"), name)
    if name == "distrusted":
        return getattr(import_module(f"{__name__}._self_check"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
