"""A segment goes to the fastest engine that a trial found right."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from stages import example

from napari_sr.engine.backends import compiled_segments as module
from napari_sr.engine.backends.compiled_segments import CompiledSegments
from napari_sr.engine.backends.interface import SegmentKey
from napari_sr.graph.chain import IMAGE

KEY = SegmentKey("any", (0,), (IMAGE,), ("x",))
SHAPES = ((1, 1, 40, 40),)


class Library:
    """Verdicts by engine, and models that are loaded at once."""

    def __init__(self):
        self.verdicts, self.loaded, self.refused = {}, True, []

    def verdict(self, name):
        return self.verdicts.get(name.split()[0])

    def model(self, name, engine, precision):
        return SimpleNamespace(start=lambda: engine) if self.loaded else None

    def refuse(self, name, why):
        self.refused.append((name, why))


@pytest.fixture
def library(monkeypatch):
    found = Library()
    monkeypatch.setattr(module, "LOADED", found)
    monkeypatch.setattr(module.library, "name_of", lambda weights, channels, code, *rest: code)
    versions = {name: SimpleNamespace(version=lambda: "1") for name in ("one", "two")}
    monkeypatch.setattr(module, "COMPILERS", versions)
    return found


def segments(always=False):
    engines = ("one", "two")
    made = CompiledSegments(example("fsrcnn"), 1, engines, always=always, precision="float32")
    made.requests.submit_after = lambda seconds: None
    return made


def verdict(gain, *, faster=True, right=True, why=""):
    known = {"gain": gain, "faster": faster, "right": right, "why": why}
    return SimpleNamespace(**known, milliseconds=3.0, error=1e-6)


def test_the_engine_with_the_largest_gain_computes_the_segment(library):
    library.verdicts = {"one": verdict(1.5), "two": verdict(2.5)}
    made = segments()

    found = made.segment(KEY, SHAPES)

    assert (found.engine, found.compute, found.seconds) == ("two", "two", 0.003)
    assert made.errors == [1e-6]
    assert made.segment(KEY, SHAPES) is found
    assert found.settled


def test_a_slower_engine_is_used_only_if_it_is_always_wanted(library):
    library.verdicts = {
        "one": verdict(0.5, faster=False),
        "two": verdict(0, right=False, faster=False),
    }

    plain, always = segments(), segments(always=True)

    assert plain.segment(KEY, SHAPES).compute is None
    assert list(plain.why) == ["PyTorch is as fast"]
    assert always.segment(KEY, SHAPES).engine == "one"


def test_a_segment_without_a_verdict_is_requested_and_not_settled(library):
    library.verdicts = {"one": verdict(1.5)}
    made = segments()
    asked = []
    made.requests.add = lambda engine, name, key, shapes: asked.append((engine, shapes))

    found = made.segment(KEY, SHAPES)

    assert asked == [("two", SHAPES)]
    assert (found.engine, found.settled) == ("one", False)


def test_pytorch_computes_while_the_compiled_segment_is_loading(library):
    library.verdicts, library.loaded = {"one": verdict(2), "two": verdict(1)}, False

    found = segments().segment(KEY, SHAPES)

    assert (found.engine, found.compute, found.settled) == ("torch", None, False)


def test_a_refused_segment_goes_back_to_pytorch(library):
    library.verdicts = {"one": verdict(2), "two": verdict(1)}
    found = segments().segment(KEY, SHAPES)

    found.refuse("it failed")

    assert library.refused == [(found.names["one"], "it failed")]
    assert (found.engine, found.compute) == ("torch", None)


def test_tensors_of_other_shapes_are_another_segment(library):
    made = segments()

    first, second = made.segment(KEY, SHAPES), made.segment(KEY, ((1, 1, 40, 41),))

    assert first is not second
    made.clear()
    assert made.segment(KEY, SHAPES) is not first
