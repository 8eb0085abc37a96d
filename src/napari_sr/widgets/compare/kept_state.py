"""Change a viewer for a comparison, and restore its state afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari.layers import Image
    from napari.utils.events import Event

LOOK = ("contrast_limits", "gamma")
"""Attributes that two compared layers share."""
OVERLAP = 0.5
"""Two layers share a look only if their ranges of values overlap by at least this share."""


class KeptState:
    """Changes attributes, and later restores those that nothing else has changed since."""

    def __init__(self) -> None:
        self._changes: dict[tuple[int, str], tuple[Any, Any, Any]] = {}

    def change(self, target: Any, name: str, value: Any) -> None:
        """Set an attribute, and remember its value before the first change."""
        before = getattr(target, name)
        setattr(target, name, value)
        _, original, _ = self._changes.pop((id(target), name), (target, before, value))
        self._changes[id(target), name] = target, original, getattr(target, name)

    def restore(self) -> None:
        """Set all attributes back, in reverse order."""
        while self._changes:
            (_, name), (target, original, ours) = self._changes.popitem()
            if _equal(getattr(target, name), ours):
                setattr(target, name, original)


class LinkedLook:
    """Contrast limits and gamma that two layers share, until `leave` is called.

    Parameters
    ----------
    before, after : Image
        The second layer gets the look of the first.
    kept : KeptState
        Later restores the look of the second layer, unless the user has changed it.
    """

    def __init__(self, before: Image, after: Image, kept: KeptState) -> None:
        self._pair = before, after
        self._copying = False
        for name in LOOK:
            if not _equal(getattr(after, name), getattr(before, name)):
                kept.change(after, name, getattr(before, name))
            for layer in self._pair:
                getattr(layer.events, name).connect(self._copy)

    def leave(self) -> None:
        """Stop following both layers."""
        for name in LOOK:
            for layer in self._pair:
                getattr(layer.events, name).disconnect(self._copy)

    def _copy(self, event: Event) -> None:
        if self._copying:
            return
        source = self._pair[1] if event.source is self._pair[1] else self._pair[0]
        other = self._pair[0] if source is self._pair[1] else self._pair[1]
        self._copying = True
        try:
            setattr(other, event.type, getattr(source, event.type))
        finally:
            self._copying = False


def share_look(first: Image, second: Image) -> bool:
    """Return whether one pair of contrast limits suits two layers.

    Both must be grey and have the same data type; their ranges must overlap by at least half.
    """
    if first.rgb or second.rgb or first.dtype != second.dtype:
        return False
    ranges = [layer.contrast_limits_range for layer in (first, second)]
    common = min(high for _, high in ranges) - max(low for low, _ in ranges)
    whole = max(high for _, high in ranges) - min(low for low, _ in ranges)
    return bool(common >= OVERLAP * whole)


def _equal(first: Any, second: Any) -> bool:
    """Return whether two values are equal; a list may equal a tuple."""
    sequences = isinstance(first, list | tuple) and isinstance(second, list | tuple)
    return bool(tuple(first) == tuple(second) if sequences else first == second)
