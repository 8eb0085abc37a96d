"""All engines offer the same."""

from __future__ import annotations

import inspect

import pytest
from fakes import Nearest

from napari_sr.engine.backends.compiled import Compiled
from napari_sr.engine.backends.interface import Backend
from napari_sr.engine.execution.graphs import Graphs

ENGINES = {"graphs": Graphs, "compiled": lambda: Compiled(Nearest(), 1, ["openvino"])}


@pytest.mark.parametrize("make", ENGINES.values(), ids=ENGINES)
def test_an_engine_offers_what_runs_need(make):
    engine = make()

    for name, method in inspect.getmembers(Backend, inspect.isfunction):
        if not name.startswith("_"):
            wanted = inspect.signature(method).parameters
            assert list(inspect.signature(getattr(type(engine), name)).parameters) == list(wanted)
    assert engine.max_extra >= 1
    assert engine.record()["name"] == "torch"  # nothing has run by another
