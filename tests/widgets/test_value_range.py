from __future__ import annotations

import numpy as np
import pytest
from napari.layers import Image

from napari_sr.engine.arrays import Percentiles
from napari_sr.widgets._value_range import (
    CONTRAST,
    CUSTOM,
    DTYPE,
    PERCENTILES,
    RangeChooser,
    usual_kind,
)


@pytest.fixture
def chooser(qtbot):
    chooser = RangeChooser()
    qtbot.addWidget(chooser)
    return chooser


def choose(chooser, kind):
    """Choose as a user does."""
    index = chooser.kind.findText(kind)
    chooser.kind.setCurrentIndex(index)
    chooser.kind.activated.emit(index)


def grey(dtype, limits):
    return Image(np.zeros((4, 5), dtype), contrast_limits=limits)


@pytest.mark.parametrize(
    ("layer", "kind"),
    [
        (grey(np.uint8, (0, 50)), DTYPE),
        (grey(np.uint16, (0, 4095)), CONTRAST),
        (grey(np.int16, (-1000, 400)), CONTRAST),
        (grey(np.float32, (0, 7)), CONTRAST),
        (Image(np.zeros((4, 5, 3), np.uint16), rgb=True), DTYPE),
    ],
    ids=["uint8", "12 bits", "CT", "float", "RGB"],
)
def test_deep_data_start_with_their_contrast_limits(layer, kind):
    assert usual_kind(layer) == kind


def test_twelve_bits_in_sixteen_are_offered_as_they_are_shown(chooser):
    chooser.follow(grey(np.uint16, (0, 4095)))

    assert chooser.value() == (0, 4095)
    assert (chooser.low.text(), chooser.high.text()) == ("0", "4095")


def test_contrast_limits_are_taken_exactly(chooser):
    limits = (1 / 3, 2 / 3)

    chooser.follow(grey(np.float64, limits))

    assert chooser.value() == limits


def test_the_data_types_range_is_the_engines_default(chooser):
    chooser.follow(grey(np.int16, (-1000, 400)))

    choose(chooser, DTYPE)

    assert chooser.value() is None
    assert (chooser.low.text(), chooser.high.text()) == ("-32768", "32767")


def test_percentiles_are_offered(chooser):
    chooser.follow(grey(np.uint16, (0, 4095)))

    choose(chooser, PERCENTILES)

    assert chooser.value() == Percentiles(0.1, 99.9)


def test_typed_numbers_are_taken(chooser):
    chooser.follow(grey(np.uint16, (0, 4095)))
    choose(chooser, CUSTOM)

    chooser.low.setText("100")
    chooser.high.setText("1e4")

    assert chooser.value() == (100, 10000)
    assert chooser.problem() is None


@pytest.mark.parametrize(
    ("kind", "low", "high", "words"),
    [
        (CUSTOM, "abc", "5", "got 'abc' and '5'"),
        (CUSTOM, "0", "inf", "got '0' and 'inf'"),
        (CUSTOM, "5", "5", "got 5 and 5"),
        (PERCENTILES, "-1", "99", "got -1 and 99"),
        (PERCENTILES, "1", "101", "got 1 and 101"),
    ],
)
def test_what_is_no_range_is_refused_with_its_values(chooser, kind, low, high, words):
    chooser.follow(grey(np.uint16, (0, 4095)))
    choose(chooser, kind)

    chooser.low.setText(low)
    chooser.high.setText(high)

    assert words in chooser.problem()


def test_another_layer_brings_its_own_range(chooser):
    chooser.follow(grey(np.uint16, (0, 4095)))

    chooser.follow(grey(np.uint8, (0, 50)))

    assert chooser.value() is None


def test_numbers_chosen_by_hand_outlive_a_change_of_layer(chooser):
    chooser.follow(grey(np.int16, (-1000, 400)))
    choose(chooser, CUSTOM)
    chooser.low.setText("-200")

    chooser.follow(grey(np.int16, (-500, 500)))

    assert chooser.value() == (-200, 400)


def test_percentiles_can_be_changed(chooser):
    chooser.follow(grey(np.uint16, (0, 4095)))
    choose(chooser, PERCENTILES)

    chooser.high.setText("95")
    chooser.refresh()

    assert chooser.value() == Percentiles(0.1, 95)
