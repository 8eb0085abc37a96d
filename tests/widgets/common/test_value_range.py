from __future__ import annotations

import numpy as np
import pytest
from napari.layers import Image

from napari_sr.engine.image.value_range import Percentiles
from napari_sr.widgets.common.value_range import (
    CONTRAST,
    CUSTOM,
    DTYPE,
    PERCENTILES,
    RangeChooser,
    pair_in_words,
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
        (CUSTOM, "0", "65,535", "Values: '65,535' may mean 65535 or 65.535"),
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


def test_numbers_may_have_a_number_boxes(chooser):
    chooser.follow(grey(np.uint16, (0, 4095)))
    choose(chooser, PERCENTILES)
    chooser.low.setText("0,5")

    assert chooser.problem() is None
    assert chooser.value() == Percentiles(0.5, 99.9)


def test_another_layer_brings_its_own_range(chooser):
    chooser.follow(grey(np.uint16, (0, 4095)))

    chooser.follow(grey(np.uint8, (0, 50)))

    assert chooser.value() is None


def test_without_a_layer_no_numbers_are_shown(chooser):
    chooser.follow(grey(np.uint16, (0, 4095)))

    chooser.follow(None)

    assert (chooser.low.text(), chooser.high.text()) == ("", "")


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


NEAR = [
    (np.float64, (1013.25, 1013.2500003)),  # a steady pressure
    (np.float64, (1.7e9 + 0.25, 1.7e9 + 0.75)),  # seconds since 1970
    (np.uint32, (40_000_000, 40_000_005)),
    (np.int32, (-20_000_003, -20_000_001)),
    (np.float32, (16777214, 16777215)),
    (np.float64, (1e-9, 1.00000001e-9)),
    (np.float64, (1.0, np.nextafter(1.0, 2))),
]


@pytest.mark.parametrize(("dtype", "limits"), NEAR)
def test_limits_that_differ_in_late_digits_are_taken_and_told_apart(chooser, dtype, limits):
    chooser.follow(grey(dtype, limits))
    choose(chooser, CONTRAST)

    shown = float(chooser.low.text()), float(chooser.high.text())

    assert chooser.problem() is None
    assert chooser.value() == limits
    assert shown[0] < shown[1]
    np.testing.assert_allclose(shown, limits, rtol=0, atol=(limits[1] - limits[0]) / 1000)


@pytest.mark.parametrize(("dtype", "limits"), [*NEAR, (np.float64, (1 / 3, 2 / 3))])
def test_editing_begins_with_the_exact_limits(chooser, dtype, limits):
    chooser.follow(grey(dtype, limits))
    choose(chooser, CONTRAST)

    choose(chooser, CUSTOM)

    assert chooser.value() == limits
    assert chooser.problem() is None


def test_usual_limits_are_shown_in_few_digits():
    assert pair_in_words(0.0, 4095.0) == ("0", "4095")
    assert pair_in_words(1 / 3, 2 / 3) == ("0.3333333", "0.6666667")
    assert pair_in_words(-1e-30, 12345678.9) == ("-1e-30", "1.234568e+07")


def test_typed_numbers_that_are_equal_in_double_precision_are_refused(chooser):
    chooser.follow(grey(np.float64, (0, 1)))
    choose(chooser, CUSTOM)

    chooser.low.setText("1.00000000000000001")
    chooser.high.setText("1.00000000000000002")

    assert "got 1 and 1" in chooser.problem()


def test_limits_of_wide_integers_that_doubles_cannot_tell_apart_are_refused(chooser):
    chooser.follow(grey(np.uint64, (2**63, 2**63 + 100)))

    assert "got 9.223372036854776e+18 and 9.223372036854776e+18" in chooser.problem()


def test_each_of_several_layers_has_its_own_range(chooser):
    shown, other = grey(np.uint16, (0, 4095)), grey(np.uint16, (100, 900))
    chooser.follow(shown)

    assert chooser.value(other) == (100, 900)
    assert chooser.value(grey(np.uint8, (0, 50))) is None  # the range of its type

    choose(chooser, CONTRAST)
    assert chooser.value(grey(np.uint8, (0, 50))) == (0, 50)

    choose(chooser, CUSTOM)
    assert chooser.value(other) == chooser.value(shown) == (0, 4095)


@pytest.mark.parametrize("limits", [(0, 4095), (100, 65535), (0, 0.5)])
def test_numbers_are_seen_whole_in_a_narrow_form(qtbot, limits):
    chooser = RangeChooser()
    qtbot.addWidget(chooser)
    chooser.follow(Image(np.zeros((4, 5), np.uint16), contrast_limits=limits))
    chooser.resize(chooser.minimumSizeHint())
    chooser.show()

    for box in (chooser.low, chooser.high):
        assert box.fontMetrics().horizontalAdvance(box.text()) < box.contentsRect().width()
