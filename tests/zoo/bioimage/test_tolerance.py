"""The tolerance that the author of a package states."""

from __future__ import annotations

import numpy as np
import pytest

from napari_sr.zoo.bioimage.tolerance import Tolerance, tolerance_of


def stated(*entries):
    return {"config": {"bioimageio": {"reproducibility_tolerance": list(entries)}}}


@pytest.mark.parametrize("found", [{}, {"config": None}, stated("x"), stated({"a": 1}), stated()])
def test_without_a_word_of_the_author_the_usual_one_counts(found):
    assert tolerance_of(found, "onnx") == Tolerance(1e-3, 1e-3, 1e-4)


def test_the_entry_for_the_weights_that_run_counts():
    found = stated(
        {"weights_formats": ["onnx"], "absolute_tolerance": 0.5},
        {"relative_tolerance": 0.01, "mismatched_elements_per_million": 500},
    )

    assert tolerance_of(found, "onnx").absolute == 0.5
    assert tolerance_of(found, "torchscript") == Tolerance(1e-3, 1e-2, 5e-4)


def test_a_tolerance_is_limited():
    wide = {"relative_tolerance": 9, "mismatched_elements_per_million": 1e6}
    found = tolerance_of(stated({**wide, "absolute_tolerance": float("nan")}), "onnx")

    assert found == Tolerance(1e-3, 1e-2, 1e-3)
    expected = np.linspace(0, 1, 101)
    assert Tolerance(absolute=5).wrong(expected + 0.02, expected) == 1
    assert Tolerance(absolute=5).wrong(expected + 0.009, expected) == 0
    assert Tolerance().wrong(np.full(101, np.nan), expected) == 1
