"""A curve gives a figure, infinity or none."""

from __future__ import annotations

import math

import numpy as np
import pytest

from napari_sr.evaluation import frc
from napari_sr.evaluation._frc import THRESHOLD, Agreement, crossing
from napari_sr.evaluation.repeatable import is_opposed, judged


def curve(*, cut=0.25, rings=100, tail=0.0, more=()):
    """Return an agreement that is 1 below a cut-off, and a tail beyond, with further values."""
    frequencies = np.arange(1, rings + 1) / (2 * rings)
    correlation = np.where(frequencies <= cut, 1.0, tail)
    for low, high, value in more:
        correlation[(frequencies > low) & (frequencies <= high)] = value
    return Agreement(frequencies, correlation, crossing(frequencies, correlation, THRESHOLD, 2))


def test_a_single_crossing_is_told():
    value, note = judged(curve(cut=0.25))

    assert value == pytest.approx(4, rel=0.05)
    assert note == ""


def test_agreement_everywhere_is_no_figure():
    value, note = judged(curve(cut=1))

    assert value is None
    assert "finer than 2 px," in note


def test_a_curve_that_rises_again_is_no_figure():
    value, note = judged(curve(cut=0.1, more=[(0.22, 0.26, 0.9)]))

    assert value is None
    assert note.startswith("the curve falls and rises again at a period of 3.")


def test_what_rises_beyond_the_source_was_added_by_the_model():
    found = curve(cut=0.1, more=[(0.4, 0.5, 0.9)])

    assert judged(found)[0] is None
    value, note = judged(found, sampled=0.25, unit="µm")
    assert value == pytest.approx(10, rel=0.1)
    assert note.startswith("the model adds detail")
    assert note.endswith("below 4 µm")
    assert judged(curve(cut=0.4), sampled=0.25, unit="µm")[1] == note
    assert judged(curve(cut=0.2), sampled=0.25)[1] == ""


def test_agreement_in_a_few_rings_may_be_chance():
    value, note = judged(curve(cut=0.012))  # two rings

    assert math.isinf(value)
    assert note == "no agreement beyond chance"


def test_noise_never_gets_a_figure():
    for seed in range(200):
        pair = np.random.default_rng(seed).standard_normal((2, 64, 80))
        assert judged(frc(*pair))[0] in (math.inf, None), seed


def test_noise_that_is_opposed_is_recognised():
    assert is_opposed(curve(tail=-0.2))
    assert not is_opposed(curve(tail=-0.05))
