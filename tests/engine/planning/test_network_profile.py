from __future__ import annotations

import gc
import weakref
from dataclasses import replace

import pytest
import torch
from fakes import Coarse, Nearest
from torch.nn import functional

from napari_sr.engine.planning import network_profile as module
from napari_sr.engine.planning.network_profile import profile_of
from napari_sr.graph.chain import IMAGE, RESULT, PooledGrid, Step
from napari_sr.models import architecture


def test_it_is_computed_once_per_channels_and_precision(monkeypatch):
    calls, profile = [], module.profile
    monkeypatch.setattr(module, "profile", lambda *args: calls.append(args) or profile(*args))
    network = Nearest()

    first = profile_of(network, 1, torch.float32)
    again = profile_of(network, 1, torch.float32)
    others = profile_of(network, 3, torch.float32), profile_of(network, 1, torch.float16)

    assert first is again
    assert len({id(each) for each in (first, *others)}) == len(calls) == 3


def test_it_holds_neither_the_network_nor_its_weights():
    network = Nearest()
    gone = weakref.ref(network)
    profile_of(network, 1, torch.float32)

    del network
    gc.collect()

    assert gone() is None


@pytest.mark.parametrize(
    ("network", "least"),
    [
        (Nearest(), 1),
        (Nearest(radius=3), 7),
        (Nearest(radius=3, least_size=15), 15),
        (Nearest(radius=3, multiple=4), 12),
        (Coarse(), 2),
    ],
    ids=["pixel", "radius", "least size", "multiple", "grid"],
)
def test_the_smallest_tile_keeps_something_inside_the_widest_step(network, least):
    assert profile_of(network, 1, torch.float32).least_tile == least


def test_the_smallest_tile_covers_the_reach_of_one_cell():
    class Pooling(Nearest):
        def chain(self):
            cells = PooledGrid(
                IMAGE, "means", self.pool, pitch=3, reach=9, finish=lambda cells: cells
            )
            step = Step(lambda x, means: self.compute(x) + means.mean(), (IMAGE,), (RESULT,))
            return (cells, replace(step, uses=("means",), scale=self.scale))

        @staticmethod
        def pool(image):
            return functional.max_pool2d(image, 9, 3)

    assert profile_of(Pooling(), 1, torch.float32).least_tile == 9


@pytest.mark.parametrize(
    ("name", "gathers"), [("bsrn", True), ("imdn", True), ("edsr", False), ("esrt", False)]
)
def test_networks_of_global_values_gather_them(name, gathers):
    record = architecture(name)
    network = record.network(**record.example)

    assert profile_of(network, network.channels, torch.float32).gathers is gathers
