"""A cache of loaded models: the last two checkpoints, because a blend needs two."""

from __future__ import annotations

import functools
import os
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from napari_sr.runs.model import BlendError, ModelReference
from napari_sr.zoo.bioimage.contents import NAMES

if TYPE_CHECKING:
    from napari_sr.graph.network import Network

MOST_FILES = 1000
"""Largest number of files in a package's folder; a package with more is read again each time."""


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
    """Load a reference without its other models; read its file again only if it has changed.

    A network that a script passes is returned, and not kept.
    """
    from napari_sr.runs import loading

    alone = replace(reference, second=None, weight=0.0, consistent=False, then=None, factor=None)
    if reference.is_known:
        return _loaded((), alone)
    if not isinstance(reference.name, str | Path):
        return loading.load_one(alone)
    return _loaded(_stamps(Path(os.path.expanduser(reference.name))), alone)


@functools.lru_cache(maxsize=2)
def _loaded(stamps: object, reference: ModelReference) -> Network:
    from napari_sr.runs import loading

    return loading.load_one(reference)


def _stamps(path: Path) -> tuple[object, ...]:
    """Return values that change when a file changes, or one in a folder (a package)."""
    # a package may also be named by its description, but its weights are beside it
    path = path.parent if path.name in NAMES else path
    files = sorted(islice(path.rglob("*"), MOST_FILES + 1)) if path.is_dir() else [path]
    if len(files) > MOST_FILES:  # the weights may be among those that are not watched
        return (object(),)
    try:
        found = [(file, file.stat()) for file in files]
    except OSError:  # loading tells what is wrong
        return (object(),)
    # the date alone is not enough: two changes within one tick of the clock have the same date
    return tuple(
        (file, each.st_mtime_ns, each.st_ctime_ns, each.st_ino, each.st_size)
        for file, each in found
    )
