from __future__ import annotations

import pytest
from qtpy.QtWidgets import QAbstractButton, QComboBox, QLineEdit

from napari_sr.runs.words import TIMES
from napari_sr.widgets.models.fields import ModelsFields


@pytest.fixture
def fields(qtbot):
    fields = ModelsFields()
    qtbot.addWidget(fields)
    return fields


def test_every_field_explains_itself(fields):
    found = [
        *fields.findChildren(QAbstractButton), *fields.findChildren(QComboBox), fields.table,
        fields.details, *fields.findChildren(QLineEdit),
    ]  # fmt: skip
    named = [field for field in found if field.parent() is not fields.search]

    assert [field for field in named if not field.toolTip() and field.isEnabled()] == []
    assert [each.accessibleName() for each in (fields.search, fields.table, fields.details)] == [
        "Search the models", "Models", "About the selected model",
    ]  # fmt: skip


def test_it_fits_beside_the_canvas_of_a_small_screen(fields):
    fields.fill()
    inside = fields.widget().minimumSizeHint()

    assert inside.width() <= 390
    assert inside.height() <= 620


def test_the_chosen_scale_stays_where_it_exists(fields):
    fields.offer_scales({2, 4})
    fields.scale.setCurrentIndex(2)

    fields.offer_scales({4, 8, 2})

    assert [fields.scale.itemData(at) for at in range(4)] == [None, 2, 4, 8]
    assert fields.scale.currentText() == f"{TIMES}4"
    assert fields.scale.currentData() == 4
    fields.offer_scales({2})
    assert fields.scale.currentData() is None


def test_tab_goes_from_search_to_table_to_buttons(fields):
    order, field = [], fields.search
    for _ in range(200):
        field = field.nextInFocusChain()
        order.append(field)
    wanted = [fields.scale, fields.installed, fields.table, fields.use, fields.run, fields.measure,
              fields.add, fields.folder, fields.remove, fields.stop, fields.details]  # fmt: skip

    assert [order.index(field) for field in wanted] == sorted(map(order.index, wanted))


def test_details_can_be_selected_but_not_changed(fields):
    fields.details.setPlainText("a licence")
    fields.details.selectAll()

    assert fields.details.textCursor().selectedText() == "a licence"
    assert fields.details.isReadOnly()
