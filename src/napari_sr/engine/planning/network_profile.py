"""What a network is like, found without data: its chain, its costs, and the tiles that it takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from napari_sr.engine.planning import tiling
from napari_sr.engine.planning.chain_profile import Profile, profile
from napari_sr.engine.planning.memory import meta_copy
from napari_sr.graph.chain import (
    ChunkedAttention,
    GlobalStats,
    PooledGrid,
    Step,
    with_one_writer_each,
)
from napari_sr.layers.colour import chain_for

if TYPE_CHECKING:
    import torch

    from napari_sr.graph.chain import Chain
    from napari_sr.graph.network import Network


@dataclass(frozen=True)
class NetworkProfile:
    """What a network is like that runs on images of so many channels, in some precision."""

    chain: Chain
    """Without data."""
    profile: Profile
    least_size: int
    multiple: int

    @property
    def radius(self) -> int:
        """How far the step looks that looks furthest, in LR pixels."""
        return max(link.radius for link in self.chain if isinstance(link, Step))

    @property
    def gathers(self) -> bool:
        """Whether small values of the whole image are gathered, and no pixel looks at all of it."""
        kinds = {type(link) for link in self.chain}
        return bool(kinds & {PooledGrid, GlobalStats}) and ChunkedAttention not in kinds

    @property
    def least_tile(self) -> int:
        """The smallest tile that runs in stages, in LR pixels."""
        reach = max((link.reach for link in self.chain if isinstance(link, PooledGrid)), default=1)
        return max(tiling.least_tile(self.radius, self.multiple), reach, self.least_size)


_structures: WeakKeyDictionary[Network, dict[tuple[int, torch.dtype], NetworkProfile]] = (
    WeakKeyDictionary()
)


def profile_of(network: Network, channels: int, precision: torch.dtype) -> NetworkProfile:
    """Return what a network is like, found once and remembered as long as the network lives."""
    known = _structures.setdefault(network, {})
    key = (channels, precision)
    if key not in known:
        hollow = meta_copy(network).to(precision)
        chain = chain_for(hollow, channels)
        found = profile(with_one_writer_each(chain), hollow, channels)
        known[key] = NetworkProfile(chain, found, network.least_size, network.tile_alignment)
    return known[key]
