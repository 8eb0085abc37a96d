"""A network around another one, of which it keeps all properties but those that it changes."""

from __future__ import annotations

from napari_sr.graph.network import Network


class Wrapped(Network):
    """A network that computes with another one, on the same images.

    Parameters
    ----------
    network : Network
        The other network; it is not copied. All attributes that `Network` declares are taken from
        it, so those that are added to `Network` later are, too.
    provenance : object
        Entries that are added to its provenance.
    """

    def __init__(self, network: Network, **provenance: object) -> None:
        super().__init__(scale=network.scale, channels=network.channels)
        self.network = network
        for name in Network.__annotations__:
            setattr(self, name, getattr(network, name))
        self.provenance = {**network.provenance, **provenance}
        self.train(network.training)

    @property
    def title(self) -> str:
        """Name of the network in records and errors."""
        return self.network.title

    @property
    def tile_alignment(self) -> int:
        """The origin of any tile must be a multiple of this."""
        return self.network.tile_alignment
