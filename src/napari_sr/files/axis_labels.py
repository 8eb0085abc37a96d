"""Translate the axis labels of a napari layer to OME's axis letters."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

KNOWN = {
    "t": "T", "time": "T", "frame": "T", "c": "C", "channel": "C", "channels": "C", "z": "Z",
    "depth": "Z", "plane": "Z",
}  # fmt: skip
"""OME's axis letter for each known axis label; labels are in lower case."""
FREE = "ZTC"
"""Letters for unlabelled axes: the axis next to Y gets the first one that is free, and so on."""


def stored_axes(labels: Sequence[str], *, rgb: bool) -> str | None:
    """Return OME's letter for each axis of a layer, or None if OME has no letter for an axis.

    Parameters
    ----------
    labels : sequence of str
        Labels of the layer's axes without the colour axis, such as "time". Labels such as "-3",
        which napari gives by default, count as none.
    rgb : bool
        Whether the layer is RGB, which in OME uses the axis C.

    Examples
    --------
    >>> stored_axes(["-4", "-3", "-2", "-1"], rgb=False)
    'TZYX'
    """
    leading = [label.strip().lower() for label in labels[:-2]]
    own = [KNOWN.get(label) for label in leading]
    free = [letter for letter in FREE if letter not in own and not (rgb and letter == "C")]
    letters: list[str] = []
    for label, letter in zip(reversed(leading), reversed(own), strict=True):
        unlabelled = re.fullmatch(r"(axis )?-?\d*", label) is not None
        if letter is None and (not unlabelled or not free):
            return None
        letters.insert(0, letter or free.pop(0))
    if len(set(letters)) < len(letters) or (rgb and "C" in letters):
        return None
    return "".join(letters) + ("YXS" if rgb else "YX")
