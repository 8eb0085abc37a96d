"""Fused GPU kernels for super-resolution networks, usable without the plugin.

Each op has a file of its name, which ends in the record `OP`. A file is imported only when its op
is used, so a broken kernel breaks only its own op.

No kernel has run on a GPU yet, so all speed-ups and times in these files are forecasts. Speed-ups
("at best") are computed from the bytes moved; `benchmarks/gpu/kernel_model.py` computes the times
from the machine code.
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
    """Return the names of all ops: the names of the files in this folder."""
    found = (module.name for module in pkgutil.iter_modules(__path__))
    return sorted(name for name in found if name[0] != "_")


def op(name: str) -> Op:
    """Return the record of one op; import only its file.

    Raises
    ------
    ValueError
        If no op has this name.
    """
    if name not in names():
        raise ValueError(f"there is no op {name!r}; the ops are {', '.join(names())}")
    record: Op = import_module(f"{__name__}.{name}").OP
    return record


def __getattr__(name: str) -> Any:
    """Return a function that chooses, counts or checks kernels; import it at its first use."""
    if name in _OF_CHOICE:
        return getattr(import_module(f"{__name__}._choice"), name)
    if name == "distrusted":
        return getattr(import_module(f"{__name__}._self_check"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
