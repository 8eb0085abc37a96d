"""The networks, one file each.

A network is found by its file's name and built from the record `ARCHITECTURE` at the file's end.
Each file is imported only when its network is used, so a broken network breaks only itself.
"""

from __future__ import annotations

import pkgutil
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari_sr.graph.network import Architecture


def names() -> list[str]:
    """Return the names of all networks: the names of the files here."""
    return list(_names())


@cache
def _names() -> tuple[str, ...]:
    found = (module.name for module in pkgutil.iter_modules(__path__))
    return tuple(sorted(found))


def architecture(name: str) -> Architecture:
    """Return the record of one network, importing its file and no other.

    Raises
    ------
    ValueError
        If no network has this name.
    """
    if name not in names():
        raise ValueError(f"there is no network {name!r}; there are {', '.join(names())}")
    record: Architecture = import_module(f"{__name__}.{name}").ARCHITECTURE
    return record
