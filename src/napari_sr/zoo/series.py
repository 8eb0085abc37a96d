"""Run two networks one after the other, as one network: such as one that restores, then an SR one.

The chain of the second network continues that of the first. So tiles of both together leave no
seams, and no intermediate image is stored or rounded. It is clipped only if the second network has
`input_limits`. If both networks are for colour, a grey image becomes grey again after the second.

Symbols: N images, C image channels, H x W pixels of the image that enters the first network, S
scale.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from napari_sr.graph.chain import IMAGE, RESULT, Step, outputs_of, renamed
from napari_sr.graph.network import Network
from napari_sr.layers.bt601 import LUMA_OF_BLACK, LUMA_OF_WHITE
from napari_sr.zoo.blend import name_of
from napari_sr.zoo.optics import OPTICS, is_optical
from napari_sr.zoo.provenance import checkpoints_in

if TYPE_CHECKING:
    from torch import Tensor

    from napari_sr.graph.chain import Chain, Link

BETWEEN = "result of the first network"
"""The plane that the second network reads as its image."""


class Series(Network):
    """Two networks in series: the second one reads the result of the first.

    Parameters
    ----------
    first, second : Network
        The networks; they are not copied.

    Raises
    ------
    ValueError
        If the second network cannot read the result of the first.
    """

    def __init__(self, first: Network, second: Network) -> None:
        check(first, second)
        super().__init__(scale=first.scale * second.scale, channels=first.channels)
        self.first = first
        self.second = second
        self.multiple = _common(first.multiple, second.multiple, first.scale)
        self.least_size = max(first.least_size, math.ceil(second.least_size / first.scale))
        self.exact = first.exact and second.exact
        self.whole = first.whole or second.whole
        self.full_range = first.full_range
        self.takes_noise = first.takes_noise
        self.pads_with_zeros = first.pads_with_zeros or second.pads_with_zeros
        reach = second.zeros_reach if second.pads_with_zeros else 0
        own = first.zeros_reach if first.pads_with_zeros else 0
        self.zeros_reach = own + math.ceil(reach / first.scale)
        self.input_limits = _inner(first.input_limits, second.input_limits)
        self.precisions = tuple(one for one in first.precisions if one in second.precisions)
        self.provenance = _provenance(first, second)
        self.train(first.training)

    @property
    def title(self) -> str:
        """Name of the network in records and errors."""
        return f"{self.first.title}, then {self.second.title}"

    @property
    def tile_alignment(self) -> int:
        """The origin of any tile must be a multiple of this."""
        return _common(self.first.tile_alignment, self.second.tile_alignment, self.first.scale)

    def chain(self) -> Chain:
        """Return the links of the first network, then those of the second."""
        first = renamed(self.first.chain(), {RESULT: BETWEEN})
        second = self.second.chain()
        # the same name may stand for planes of both networks
        names = {name: f"{name}, second network" for link in second for name in outputs_of(link)}
        if not self._converts:
            names[RESULT] = RESULT
        names[IMAGE] = BETWEEN
        later = [_enlarged(link, self.first.scale) for link in renamed(second, names)]
        if self._converts:
            step = Step(self._convert_back, (names[RESULT],), (RESULT,), scale=self.scale)
            later.append(step)
        if self._converts or self.second.input_limits is not None:
            step = Step(self._convert, (BETWEEN,), (BETWEEN,), scale=self.first.scale)
            later.insert(0, step)
        return (*first, *later)

    @property
    def _converts(self) -> bool:
        """Whether one network reads grey from 0 to 1, and the other one luma."""
        return self.channels == 1 and self.first.full_range != self.second.full_range

    def _convert(self, result: Tensor) -> Tensor:
        """Return the first result, (N, C, H, W), with the values that the second network reads."""
        if self._converts:
            result = _to_luma(result) if self.first.full_range else _to_grey(result)
        limits = self.second.input_limits
        return result if limits is None else result.clamp(*limits)

    def _convert_back(self, result: Tensor) -> Tensor:
        """Return the last result, (N, 1, H, W), as the first network would return it."""
        return _to_grey(result) if self.first.full_range else _to_luma(result)


def check(first: Network, second: Network) -> None:
    """Check that a network can read the result of another one.

    Raises
    ------
    ValueError
        If it cannot; the message names both, and says why.
    """
    names = f"{name_of(second)} cannot follow {name_of(first)}"
    if first.channels != second.channels:
        raise ValueError(
            f"{names}: both need images with the same number of channels, got {second.channels} "
            f"after {first.channels}"
        )
    for network in (first, second):
        if network.processing is not None:
            raise ValueError(
                f"{names}: {network.title} takes pixels as they are stored, and returns values "
                "in another unit, so it can only run alone"
            )
    if second.takes_noise:
        raise ValueError(
            f"{names}: it needs the level of the noise, which is unknown after another network; "
            "let it be the first"
        )
    if first.scale > 1 and not all(
        isinstance(link, Step) and not link.placed for link in second.chain()
    ):
        raise ValueError(
            f"{names}, which enlarges {first.scale} times: it gathers values from the whole image, "
            "so the first network must not enlarge (scale 1)"
        )


def _to_luma(grey: Tensor) -> Tensor:
    return LUMA_OF_BLACK + (LUMA_OF_WHITE - LUMA_OF_BLACK) * grey


def _to_grey(luma: Tensor) -> Tensor:
    return (luma - LUMA_OF_BLACK) / (LUMA_OF_WHITE - LUMA_OF_BLACK)


def _enlarged(link: Link, scale: int) -> Link:
    """Return a link of the second network, whose image is `scale` times as large as the first's."""
    if scale == 1 or not isinstance(link, Step):
        return link
    return replace(link, radius=math.ceil(link.radius / scale), scale=link.scale * scale)


def _common(first: int, second: int, scale: int) -> int:
    """Return the least multiple of `first` that is a multiple of `second` once it is enlarged."""
    return math.lcm(first, second // math.gcd(second, scale))


def _inner(
    first: tuple[float, float] | None, second: tuple[float, float] | None
) -> tuple[float, float] | None:
    """Return the limits that hold for both, or None if neither has limits."""
    given = [limits for limits in (first, second) if limits is not None]
    if not given:
        return None
    return max(low for low, _ in given), min(high for _, high in given)


def _provenance(first: Network, second: Network) -> dict[str, object]:
    found: dict[str, object] = {
        "model": f"{name_of(first)}, then {name_of(second)}",
        "scale": first.scale * second.scale,
        "series": [dict(first.provenance), dict(second.provenance)],
    }
    for one in checkpoints_in(found):
        if one.get(OPTICS) or is_optical(str(one.get("model", "")), one.get("scale")):
            found[OPTICS] = True
    return found
