"""A cache of loaded models: the last two checkpoints, because a blend needs two."""

from __future__ import annotations

import functools
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from napari_sr.runs.model import BlendError, ModelReference

if TYPE_CHECKING:
    from napari_sr.graph.network import Network


def load(reference: ModelReference) -> Network:
    """Load a network, a blend or a series; a blend's new weight needs no new reading.

    Raises
    ------
    BlendError
        If the second checkpoint cannot be loaded or blended with the first.
    ValueError
        If the first checkpoint cannot be loaded.
    """
    from napari_sr.runs import loading  # imports torch

    return loading.load(reference, load_first)


def load_checked(reference: ModelReference) -> Network:
    """Load the first checkpoint, after checking that the second can be blended with it.

    Raises
    ------
    BlendError, ValueError
        As for `load`.
    """
    from napari_sr.runs import loading

    alone = reference.consistent or reference.then is not None or reference.factor is not None
    if reference.second is None or alone:
        return loading.load(reference, load_first)
    from napari_sr.zoo.blend import check_alike

    first, second = loading.load_both(reference, reference.second, load_first)
    try:
        check_alike(first, second)
    except ValueError as error:
        raise BlendError(str(error)) from error
    return first


def load_first(reference: ModelReference) -> Network:
    """Load a reference without its other models; read its file again only if it has changed."""
    return _loaded(
        _stamp(reference.name),
        replace(reference, second=None, weight=0.0, consistent=False, then=None, factor=None),
    )


@functools.lru_cache(maxsize=2)
def _loaded(stamp: object, reference: ModelReference) -> Network:
    from napari_sr.runs import loading

    return loading.load_one(reference)


def _stamp(name: object) -> object:
    """Return a value that changes when the reference's file changes; None for known models."""
    if not isinstance(name, Path) or not name.exists():
        return None
    status = name.stat()
    # the date alone is not enough: two changes within one tick of the clock have the same date
    return status.st_mtime_ns, status.st_ctime_ns, status.st_ino, status.st_size
