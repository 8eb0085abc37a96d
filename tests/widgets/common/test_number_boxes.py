"""Number boxes read a comma as a point in each language, and never guess thousands."""

from __future__ import annotations

import pytest
from qtpy.QtCore import QLocale, Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QDoubleSpinBox, QSpinBox, QVBoxLayout, QWidget

from napari_sr.widgets.common.number_boxes import take_numbers


@pytest.fixture(params=["en_US", "de_DE", "fr_FR"])
def language(request):
    before = QLocale()
    QLocale.setDefault(QLocale(request.param))
    yield
    QLocale.setDefault(before)


@pytest.fixture
def box(request, qtbot, language):
    """Give a number box with a suffix inside a widget."""
    outside = QWidget()
    qtbot.addWidget(outside)
    box = getattr(request, "param", QDoubleSpinBox)()
    box.setRange(0, 100_000)
    box.setSuffix(" px")
    QVBoxLayout(outside).addWidget(box)
    take_numbers(outside)
    outside.show()
    box.selectAll()
    yield box


@pytest.mark.parametrize("typed", ["2,5", "2.5"])
def test_a_typed_comma_is_a_point(box, typed):
    QTest.keyClicks(box.lineEdit(), typed)

    assert (box.value(), box.text()) == (2.5, "2.5 px")


@pytest.mark.parametrize(("typed", "value"), [(",5", 0.5), ("-,5", -0.5), ("2,", 2.0)])
def test_a_comma_may_come_first_or_last(box, typed, value):
    box.setMinimum(-10)
    box.selectAll()

    QTest.keyClicks(box.lineEdit(), typed)

    assert box.value() == value


def test_a_pasted_comma_is_a_point_unless_it_may_separate_thousands(box):
    QApplication.clipboard().setText("12,5")
    box.lineEdit().paste()
    assert box.value() == 12.5

    QApplication.clipboard().setText("1,250")
    box.selectAll()
    box.lineEdit().paste()
    assert box.value() == 12.5


@pytest.mark.parametrize("box", [QSpinBox, QDoubleSpinBox], indirect=True)
def test_digits_replace_words(box):
    box.setSpecialValueText("automatic")
    box.setValue(0)
    QTest.mouseClick(box.lineEdit(), Qt.MouseButton.LeftButton)
    QTest.keyClicks(box.lineEdit(), "64")

    assert (box.value(), box.text()) == (64, "64 px")


@pytest.mark.parametrize("box", [QSpinBox], indirect=True)
def test_a_whole_number_takes_neither(box):
    QTest.keyClicks(box.lineEdit(), "25")
    QTest.keyClicks(box.lineEdit(), ",.")
    QApplication.clipboard().setText("1.250")
    box.selectAll()
    box.lineEdit().paste()

    assert box.value() == 25
