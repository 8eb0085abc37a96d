"""Read OME-Zarr's metadata of channels, and recognise red, green and blue channels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_sr.files.ome_zarr.documents import Node

_COLOURS = ("FF0000", "00FF00", "0000FF")
_LABELS = (("red", "green", "blue"), ("r", "g", "b"))


def channels_of(node: Node) -> tuple[Mapping[str, Any], ...]:
    """Return `omero.channels`; empty if it is missing or damaged."""
    omero = node.ome.get("omero")
    channels = omero.get("channels") if isinstance(omero, dict) else None
    if not isinstance(channels, list) or not all(isinstance(one, dict) for one in channels):
        return ()
    return tuple(channels)


def is_colour(channels: tuple[Mapping[str, Any], ...]) -> bool:
    """Return whether the channels are red, green, blue, and maybe alpha.

    Both colours and labels must be red, green and blue: fluorescence is often shown in these
    colours, but labelled otherwise.
    """
    if len(channels) not in (3, 4):
        return False
    colours = tuple(str(one.get("color", "")).lstrip("#").upper() for one in channels)
    labels = tuple(str(one.get("label", "")).lower() for one in channels)
    last = len(channels) == 3 or labels[3] in ("alpha", "a")
    return colours[:3] == _COLOURS and labels[:3] in _LABELS and last
