"""How far a plane is extended by reflection before a network reads it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from napari_sr.graph.network import Network

if TYPE_CHECKING:
    from napari_sr.engine.planning.settings import Settings

BORDERS = ("auto", "reflect", "zeros")
"""Values of the setting `border`."""
USUAL_WIDTH = Network.zeros_reach
"""Width of the extension for most networks, in LR pixels. It adds 2.4 % to the pixels of a plane of
1024 x 1024."""


def check_border(border: object) -> None:
    """Check the setting `border`.

    Raises
    ------
    ValueError
        If it is not one of `BORDERS`; the message names the value.
    """
    if border not in BORDERS:
        raise ValueError(f"border must be one of {', '.join(BORDERS)}, got {border!r}")


def border_width(network: Network, settings: Settings) -> int:
    """Return by how many LR pixels a plane is extended on each side.

    The width is the network's receptive field, but at most its `zeros_reach`, rounded up to its
    alignment. By default, it is 0 for networks whose receptive field is unknown or the whole image:
    reflected pixels would change the values that these networks gather from the whole image. If the
    network's author states how many pixels at the border are wrong, the width is this number.

    Parameters
    ----------
    network : Network
        Network to run.
    settings : Settings
        `border` is "auto" for the rule above, "reflect" to extend planes for all networks that pad
        with zeros, or "zeros" to extend no plane.

    Raises
    ------
    ValueError
        If the setting is wrong.
    """
    check_border(settings.border)
    field, alignment = network.receptive_field, network.tile_alignment
    if settings.border != "zeros" and network.border_halo:
        return math.ceil(network.border_halo / alignment) * alignment
    if settings.border == "zeros" or not network.pads_with_zeros:
        return 0
    local = network.exact and not network.whole and field is not None
    if settings.border == "auto" and not local:
        return 0
    width = network.zeros_reach if field is None else min(field, network.zeros_reach)
    return math.ceil(width / alignment) * alignment


def decided_border(network: Network, settings: Settings) -> str:
    """Return "reflect" if planes are extended, otherwise "zeros"."""
    return "reflect" if border_width(network, settings) else "zeros"
