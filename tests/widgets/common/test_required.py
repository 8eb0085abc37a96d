"""A field that must be filled is not red before the user fills it."""

from __future__ import annotations

import pytest
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QComboBox, QLineEdit, QListWidget, QListWidgetItem, QSpinBox

from napari_sr.widgets.common.required import HINT, RequiredFields


@pytest.fixture
def wrong():
    """Return a function that says whether a field with a problem is framed."""
    required = RequiredFields()
    return lambda field, has_problem=True: required.is_wrong("field", field, has_problem)


def test_an_empty_text_is_wrong_only_after_input(wrong, qtbot):
    field = QLineEdit()
    qtbot.addWidget(field)
    assert not wrong(field)
    assert field.placeholderText() == HINT

    QTest.keyClicks(field, "a")
    assert wrong(field)
    assert not wrong(field, has_problem=False)
    QTest.keyClick(field, Qt.Key.Key_Backspace)

    assert field.text() == ""
    assert wrong(field)


def test_an_optional_text_gets_no_hint(wrong, qtbot):
    field = QLineEdit()
    qtbot.addWidget(field)

    assert not wrong(field, has_problem=False)
    assert field.placeholderText() == ""


@pytest.mark.parametrize("kind", [QComboBox, QListWidget])
def test_a_list_that_offers_nothing_is_never_wrong(wrong, qtbot, kind):
    field = kind()
    qtbot.addWidget(field)
    field.addItem("cells")
    wrong(field)

    field.clear()

    assert not wrong(field)


def test_a_list_is_wrong_once_a_tick_was_taken_away(wrong, qtbot):
    field = QListWidget()
    qtbot.addWidget(field)
    item = QListWidgetItem("cells")
    item.setCheckState(Qt.CheckState.Unchecked)
    field.addItem(item)
    assert not wrong(field)

    for state in (Qt.CheckState.Checked, Qt.CheckState.Unchecked):
        item.setCheckState(state)
        framed = wrong(field)

    assert framed


def test_other_fields_are_never_empty(wrong, qtbot):
    field = QSpinBox()
    qtbot.addWidget(field)

    assert wrong(field)
