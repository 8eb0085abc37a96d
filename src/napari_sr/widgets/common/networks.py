"""Loads what a form's choice names, and keeps the last two checkpoints: a blend's ends."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari_sr.graph.network import Network
    from napari_sr.widgets.common.model_list import Choice


class BlendError(ValueError):
    """Two checkpoints that cannot be blended."""


def network_of(choice: Choice) -> Network:
    """Return the network that is chosen; of a blend, another weight reads no file again.

    Raises
    ------
    BlendError
        If the second checkpoint cannot be loaded, or not be blended with the first.
    ValueError
        If the first cannot be loaded.
    """
    first = loaded(**choice.arguments)
    if choice.other is None:
        return first
    from napari_sr.zoo.blend import blend

    try:
        return blend(first, _second(choice.other, choice), choice.weight)
    except ValueError as error:
        raise BlendError(str(error)) from error


def checked(choice: Choice) -> Network:
    """Return the first checkpoint of a choice, after a look whether it can be blended so.

    Raises
    ------
    BlendError, ValueError
        As `network_of`.
    """
    first = loaded(**choice.arguments)
    if choice.other is not None:
        from napari_sr.zoo.blend import check_alike

        try:
            check_alike(first, _second(choice.other, choice))
        except ValueError as error:
            raise BlendError(str(error)) from error
    return first


def loaded(**arguments: Any) -> Network:
    """Return what `napari_sr.load` does, read once for as long as its file stays the same."""
    return _loaded(_stamp(arguments["name_or_path"]), **arguments)


def _second(other: Choice, first: Choice) -> Network:
    try:
        return loaded(**other.arguments)
    except ValueError as error:
        names = f"{first.model.title} x{first.scale} cannot be blended with {other.model.title}"
        raise BlendError(f"{names}: {error}") from error


@functools.lru_cache(maxsize=2)
def _loaded(stamp: object, **arguments: Any) -> Network:
    from napari_sr import api  # brings torch: seconds, which are the worker's

    return api.load(**arguments)


def _stamp(name: str | Path) -> object:
    """Return what tells one state of a file from another; nothing for known models."""
    if not isinstance(name, Path) or not name.exists():
        return None
    told = name.stat()
    # two changes within one tick of the clock have the same times of change
    return told.st_mtime_ns, told.st_ctime_ns, told.st_ino, told.st_size
