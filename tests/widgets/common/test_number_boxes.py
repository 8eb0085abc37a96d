"""Number boxes read commas as points, never guess thousands, and take exponents."""

from __future__ import annotations

import pytest
from qtpy.QtCore import QLocale, Qt
from qtpy.QtGui import QFocusEvent
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
@pytest.mark.parametrize("typed", ["1e3", "1E3", "1e+3", "10e2", "1e03"])
def test_a_typed_exponent_counts_and_becomes_a_plain_number(box, typed, qtbot):
    told = []
    box.valueChanged.connect(told.append)

    QTest.keyClicks(box, typed)
    before = box.text()
    QTest.keyClick(box, Qt.Key.Key_Return)

    assert (before, box.value(), told[-1]) == (f"{typed} px", 1000, 1000)
    assert box.text() == box.textFromValue(1000) + " px"


@pytest.mark.parametrize(
    ("typed", "value", "text"),
    [
        ("25e-1", 2.5, "2.50"),
        ("2,5e1", 25, "25.00"),
        (",5e1", 5, "5.00"),
        ("-1e1", -10, "-10.00"),
        ("1e-12", 0.1, "0.10"),  # 2 decimals
        ("1e9", 1, "1.00"),  # too large
        ("9e999", 9, "9.00"),
        ("1.e2", 100, "100.00"),
        ("1e", 1, "1.00"),
        ("e3", 3, "3.00"),  # no number comes before the letter
        ("5e-1234", 0.5, "0.50"),
    ],
)
def test_exponents_stay_within_decimals_and_range(box, typed, value, text):
    box.setMinimum(-10)
    box.selectAll()

    QTest.keyClicks(box, typed)
    QTest.keyClick(box, Qt.Key.Key_Return)

    assert (box.value(), box.text()) == (value, f"{text} px")


@pytest.mark.parametrize("box", [QSpinBox], indirect=True)
def test_a_whole_number_with_an_exponent_stays_whole(box):
    QTest.keyClicks(box, "15e-1")

    assert (box.value(), box.text()) == (15, "15e- px")


def test_an_exponent_may_begin_below_the_minimum(box):
    box.setMinimum(300)
    box.selectAll()

    QTest.keyClicks(box, "1e3")

    assert box.value() == 1000


def test_a_box_is_prepared_once(box):
    told = []
    take_numbers(box)
    box.valueChanged.connect(told.append)

    QTest.keyClicks(box, "2e1")

    assert told == [2, 20]


def test_a_pasted_exponent_counts(box):
    QApplication.clipboard().setText("1.5e3")
    box.lineEdit().paste()

    assert box.value() == 1500


def test_the_value_of_an_exponent_is_kept_when_the_box_is_left(box):
    QTest.keyClicks(box, "2e2")
    QApplication.sendEvent(box, QFocusEvent(QFocusEvent.Type.FocusOut))

    assert (box.value(), box.text()) == (200, "200.00 px")


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
