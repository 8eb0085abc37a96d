"""Loading the two models of a blend; files and cards are tested with `napari_sr.load`."""

from __future__ import annotations

import pytest
from fakes import Nearest

from napari_sr.runs.loading import load, load_both
from napari_sr.runs.model import ModelReference


def test_the_second_is_loaded_at_the_scale_of_the_first():
    asked = []

    def load_one(reference):
        asked.append((reference.name, reference.scale))
        return Nearest(scale=3)

    load_both(ModelReference("a"), ModelReference("b"), load_one)

    assert asked == [("a", None), ("b", 3)]


def test_a_weight_is_checked_before_anything_is_loaded():
    reference = ModelReference("a", second=ModelReference("b"), weight=1.5)

    with pytest.raises(ValueError, match=r"from 0 to 1.* got 1\.5"):
        load(reference, lambda one: pytest.fail(f"{one.name} was loaded"))
