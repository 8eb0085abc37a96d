"""The form's fields: their names, order and size."""

from __future__ import annotations

import pytest
from qtpy.QtWidgets import QApplication, QWidget

from napari_sr.widgets.compare.fields import CompareFields


@pytest.fixture
def fields(viewer, qtbot):
    fields = CompareFields(viewer)
    qtbot.addWidget(fields)
    fields.resize(fields.minimumSizeHint())
    fields.show()
    return fields


def test_every_field_has_a_name_and_a_tooltip(fields):
    boxes = (fields.before, fields.after, fields.reference, fields.lines)

    assert [box.accessibleName() for box in boxes] == ["Before", "After", "Reference", "Line"]
    assert all(field.toolTip() for field in (*boxes, fields.errors, fields.draw, fields.plot))


def test_tab_goes_from_above_to_below(fields):
    for button in fields.row.buttons.values():
        button.setEnabled(True)
    wanted = [
        fields.before, fields.after, *fields.row.buttons.values(), fields.reference,
        fields.errors, fields.lines, fields.draw,
    ]  # fmt: skip

    chain, at = [], fields.before
    for _ in range(60):
        chain.append(at)
        at = at.nextInFocusChain()
    found = [widget for widget in chain if widget in wanted]

    assert found[: len(wanted)] == wanted


def test_it_fits_a_small_screen_beside_another_dock(fields):
    QApplication.processEvents()
    inside: QWidget = fields.widget()

    assert fields.minimumSizeHint().width() <= 420
    assert inside.sizeHint().height() <= 640
