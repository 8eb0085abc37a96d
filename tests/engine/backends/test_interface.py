"""All engines have the same interface."""

from __future__ import annotations

import inspect
import time

import pytest
from fakes import Nearest

from napari_sr.engine.backends.compiled import Compiled
from napari_sr.engine.backends.interface import Backend, share_since
from napari_sr.engine.execution.graphs import Graphs

ENGINES = {"graphs": Graphs, "compiled": lambda: Compiled(Nearest(), 1, ["openvino"])}


def test_the_share_that_is_done_is_told_by_the_clock():
    began = time.monotonic() - 30

    assert 0.29 < share_since(began, 100) < 0.4
    assert share_since(began, 10) == 0.95  # slower than expected
    assert share_since(began, 0) == 0  # unknown


@pytest.mark.parametrize("make", ENGINES.values(), ids=ENGINES)
def test_an_engine_offers_what_runs_need(make):
    engine = make()

    for name, method in inspect.getmembers(Backend, inspect.isfunction):
        if not name.startswith("_"):
            wanted = inspect.signature(method).parameters
            assert list(inspect.signature(getattr(type(engine), name)).parameters) == list(wanted)
    assert engine.max_extra >= 1
    assert engine.record()["name"] == "torch"  # nothing has run by another
