"""Find a network's chain, costs and smallest tile, without data."""

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
    """Chain and costs of a network, for one number of image channels and one precision."""

    chain: Chain
    """Chain of the network on the meta device."""
    profile: Profile
    least_size: int
    """Smallest image side that the network accepts, in LR pixels."""
    multiple: int
    """Tiles begin at multiples of this, in LR pixels."""

    @property
    def radius(self) -> int:
        """Largest radius of any step, in LR pixels."""
        return max(link.radius for link in self.chain if isinstance(link, Step))

    @property
    def gathers(self) -> bool:
        """Whether the network gathers small values of the whole image but has no attention."""
        kinds = {type(link) for link in self.chain}
        return bool(kinds & {PooledGrid, GlobalStats}) and ChunkedAttention not in kinds

    @property
    def local(self) -> bool:
        """Whether every pixel of the result depends on a few pixels of the image."""
        return all(isinstance(link, Step) for link in self.chain)

    @property
    def least_tile(self) -> int:
        """Smallest tile that can run in stages, in LR pixels."""
        reach = max((link.reach for link in self.chain if isinstance(link, PooledGrid)), default=1)
        return max(tiling.least_tile(self.radius, self.multiple), reach, self.least_size)


_profiles: WeakKeyDictionary[Network, dict[tuple[int, torch.dtype], NetworkProfile]] = (
    WeakKeyDictionary()
)


def profile_of(network: Network, channels: int, precision: torch.dtype) -> NetworkProfile:
    """Return the profile of a network; cache it as long as the network exists."""
    known = _profiles.setdefault(network, {})
    key = (channels, precision)
    if key not in known:
        without_data = meta_copy(network).to(precision)
        chain = chain_for(without_data, channels)
        of_chain = profile(with_one_writer_each(chain), without_data, channels)
        known[key] = NetworkProfile(chain, of_chain, network.least_size, network.tile_alignment)
    return known[key]
