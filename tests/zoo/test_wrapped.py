"""A network around another one keeps its properties."""

from __future__ import annotations

import pytest
from fakes import Nearest

from napari_sr.graph.network import Network
from napari_sr.zoo.resized import Resized
from napari_sr.zoo.wrapped import Wrapped


def test_every_declared_attribute_is_that_of_the_other_network():
    network = Nearest(scale=2)
    marked = {name: object() for name in Network.__annotations__}
    for name, value in marked.items():
        setattr(network, name, value)
    network.provenance = {"model": "nearest"}

    found = Wrapped(network.eval(), consistent=True)

    assert len(marked) > 10
    assert {name: getattr(found, name) for name in marked} == marked
    assert found.provenance == {"model": "nearest", "consistent": True}
    assert (found.title, found.tile_alignment) == (network.title, network.tile_alignment)
    assert not found.training


@pytest.mark.parametrize("training", [True, False])
def test_it_is_in_the_other_network_s_mode(training):
    network = Nearest(scale=2).train(training)

    assert Resized(network, 1.5).training == network.training == training
