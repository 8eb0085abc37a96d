"""The list of scales takes any factor and a pixel size."""

from __future__ import annotations

from fractions import Fraction

import pytest
from qtpy.QtTest import QTest

from napari_sr.runs.model_list import ListedModel
from napari_sr.widgets.common.scale_box import FACTOR, SIZE, ScaleBox


def model(scales=(2, 3, 4), *, known=True):
    return ListedModel("fsrcnn", "FSRCNN", "Included", "", scales, scale_is_known=known)


@pytest.fixture
def box(qtbot):
    box = ScaleBox()
    qtbot.addWidget(box)
    qtbot.addWidget(box.number)
    box.allow_any()
    box.offer(model())
    box.follow((0.108333, "µm"))
    return box


def choose(box, kind, value=None):
    box.setCurrentIndex(box.findData(kind))
    if value is not None:
        box.number.setValue(value)


def items(box):
    return [box.itemData(index) for index in range(box.count())]


def test_other_numbers_are_offered_only_where_they_are_allowed(box, qtbot):
    plain = ScaleBox()
    qtbot.addWidget(plain)
    plain.offer(model())

    assert items(plain) == [2, 3, 4]
    assert items(box) == [2, 3, 4, FACTOR, SIZE]
    box.offer(model(known=False))
    assert items(box) == [2, 3, 4]
    box.offer(None)
    assert (items(box), box.scale()) == ([], 1)


@pytest.mark.parametrize(("factor", "scale"), [(1.3, 2), (2.5, 3), (4, 4), (7, 4), (1, 2)])
def test_the_next_larger_network_runs(box, factor, scale):
    choose(box, FACTOR, factor)

    assert (float(box.factor()), box.scale()) == (factor, scale)
    assert box.problem() is None


def test_a_typed_comma_is_a_decimal_point(box):
    choose(box, FACTOR)
    box.number.selectAll()
    QTest.keyClicks(box.number.lineEdit(), "1,25")

    assert box.factor() == Fraction(5, 4)


def test_a_pixel_size_is_exact_and_follows_the_layer(box):
    choose(box, SIZE, 0.1)

    assert box.factor() == Fraction(108333, 100000)
    assert box.number.text() == "0.1 µm"
    box.follow((0.2, "µm"))
    assert (box.factor(), box.number.value()) == (2, 0.1)
    for size in (0.3, 0.01):
        box.number.setValue(size)
        assert box.factor() is None
        assert "from 0.0125 to 0.2 µm" in box.problem()
    box.follow("The pixels are not square")
    assert box.problem() == "The pixels are not square"


def test_the_number_is_shown_only_while_it_counts(box):
    box.show()
    assert not box.number.isVisibleTo(box.number.parentWidget())
    choose(box, FACTOR)
    assert not box.number.isHidden()
    choose(box, 3)
    assert box.number.isHidden()
    assert box.factor() is None


def test_the_factor_is_remembered_as_text(box):
    choose(box, FACTOR, 2.5)
    assert box.remembered() == "5/2"
    choose(box, SIZE)
    assert box.remembered() == 2  # a pixel size belongs to the layer
    choose(box, 4)

    box.choose("13/10")
    assert (box.currentData(), box.factor()) == (FACTOR, Fraction(13, 10))
    box.choose("x")
    box.choose(3)
    box.choose(None)
    assert box.currentData() == 3
