"""The three buttons: when they are visible, and what they start, say and end."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtWidgets import QWidget

from napari_sr.widgets.compare.comparison import FLAT
from napari_sr.widgets.compare.row import IDLE, CompareRow


@pytest.fixture
def row(viewer, qtbot):
    parent = QWidget()
    qtbot.addWidget(parent)
    row = CompareRow(viewer, parent=parent)
    parent.show()
    yield row
    parent.close()


def pressed(row):
    return [mode for mode, button in row.buttons.items() if button.isChecked()]


def test_it_is_hidden_until_layers_are_offered_and_once_they_are_gone(viewer, row, pair):
    visible = [row.isVisible()]
    for change in (lambda: row.offer(*pair), row.clear, lambda: row.offer(*pair)):
        change()
        visible.append(row.isVisible())
    viewer.layers.remove(pair[0])
    visible.append(row.isVisible())

    assert visible == [False, True, False, True, False]


def test_a_button_starts_its_mode_and_ends_it(row, pair, comparison):
    row.offer(*pair)

    row.buttons["blink"].click()
    during = comparison.mode, pressed(row), row.hint.text()
    row.buttons["side by side"].click()
    other = comparison.mode, pressed(row)
    row.buttons["side by side"].click()

    assert during[:2] == ("blink", ["blink"])
    assert "Hold B" in during[2]
    assert other == ("side by side", ["side by side"])
    assert (comparison.mode, pressed(row), row.hint.text()) == (None, [], "")


def test_what_cannot_be_shown_is_explained(viewer, row, pair, canvas):
    row.offer(*pair)
    viewer.dims.ndisplay = 3

    row.buttons["slider"].click()

    assert row.hint.text() == FLAT
    assert pressed(row) == []


def test_the_line_can_be_turned_only_while_it_is_there(row, pair, canvas, comparison):
    row.offer(*pair)
    visible = [row.turn.isVisible()]

    row.buttons["slider"].click()
    visible.append(row.turn.isVisible())
    row.turn.click()
    comparison.stop()
    visible.append(row.turn.isVisible())

    assert visible == [False, True, False]
    assert comparison._line == (0.5, True)


def test_a_new_offer_ends_the_comparison_of_other_layers(viewer, row, pair, comparison):
    row.offer(*pair)
    row.buttons["blink"].click()

    row.offer(*pair)
    same = comparison.mode
    row.offer(pair[0], viewer.add_image(np.zeros((4, 5))))

    assert same == "blink"
    assert comparison.mode is None


def test_a_removed_layer_is_named_and_the_buttons_are_off(viewer, row, pair):
    row.offer(*pair)
    row.buttons["blink"].click()

    viewer.layers.remove(pair[1])

    assert "cells x2 was removed" in row.hint.text()
    assert not any(button.isEnabled() for button in row.buttons.values())


def test_two_rows_show_one_comparison_between_them(viewer, row, pair, qtbot, comparison):
    other = CompareRow(viewer, always=True)
    qtbot.addWidget(other)
    row.offer(*pair)
    other.offer(*pair)

    row.buttons["blink"].click()
    found = [pressed(row), pressed(other), other.hint.text()]
    other.buttons["side by side"].click()
    row.clear()

    assert found == [["blink"], [], IDLE]
    assert pressed(row) == []
    assert comparison.mode == "side by side"
    other.clear()


def test_a_form_that_is_deleted_ends_its_comparison(viewer, pair, comparison, state, qtbot):
    before = state(viewer)
    parent = QWidget()
    row = CompareRow(viewer, parent=parent)
    row.offer(*pair)
    row.buttons["blink"].click()

    parent.deleteLater()
    qtbot.waitUntil(lambda: comparison.mode is None)

    assert state(viewer) == before
    viewer.layers.remove(pair[0])  # nothing is called that is gone


def test_buttons_are_named_for_screen_readers(row):
    names = [button.accessibleName() for button in (*row.buttons.values(), row.turn)]

    assert names == [
        "Compare: Slider", "Compare: Side by side", "Compare: Blink", "Compare: turn the line",
    ]  # fmt: skip
    assert all(button.toolTip() for button in (*row.buttons.values(), row.turn))
