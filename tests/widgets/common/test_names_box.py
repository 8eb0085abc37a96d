from __future__ import annotations

import pytest
from qtpy.QtCore import QEvent, QPoint
from qtpy.QtGui import QHelpEvent
from qtpy.QtWidgets import QApplication, QComboBox

from napari_sr.widgets.common import names_box
from napari_sr.widgets.common.names_box import Elider, NamesBox, shown_name

LONG = "2026-11-29_experiment_17_plate_3_well_B04_field_12_channel_GFP.tif"


def test_a_long_name_does_not_widen_what_it_stands_in(qtbot):
    box = NamesBox()
    qtbot.addWidget(box)
    box.addItem("short")
    before = box.sizeHint().width(), box.minimumSizeHint().width()

    box.addItem("a name as long as some microscopes write " * 5)
    box.setCurrentIndex(1)

    assert (box.sizeHint().width(), box.minimumSizeHint().width()) == before


def test_it_tells_before_the_list_is_shown(qtbot):
    box = NamesBox()
    qtbot.addWidget(box)
    box.opening.connect(lambda: box.addItem("just in time"))

    box.showPopup()

    assert box.count() == 1
    box.hidePopup()


def elided():
    """Return a plain list that shows names as a `NamesBox` does."""
    box = QComboBox()
    Elider(box)
    return box


@pytest.fixture(params=[NamesBox, elided])
def narrow(qtbot, request):
    """Return a box that is too narrow for the second of its names."""
    box = request.param()
    qtbot.addWidget(box)
    box.addItems(["short", LONG])
    box.setToolTip("What it is for.")
    box.resize(160, box.sizeHint().height())
    box.show()
    return box


def test_the_middle_of_a_long_name_is_left_out(narrow):
    whole = shown_name(narrow)

    narrow.setCurrentIndex(1)

    assert whole == "short"
    assert shown_name(narrow).startswith("2026")
    assert shown_name(narrow).endswith("tif")
    assert "…" in shown_name(narrow)


def test_what_is_shown_is_what_is_drawn(narrow):
    narrow.setCurrentIndex(1)
    long = narrow.grab().toImage()

    narrow.setItemText(1, shown_name(narrow))

    assert narrow.grab().toImage() == long


@pytest.mark.parametrize(
    ("index", "tip"), [(0, "What it is for."), (1, f"{LONG}\nWhat it is for.")]
)
def test_the_tooltip_has_the_whole_name_if_it_is_cut(narrow, monkeypatch, index, tip):
    said = []
    monkeypatch.setattr(names_box.QToolTip, "showText", lambda at, text, widget: said.append(text))
    narrow.setCurrentIndex(index)

    QApplication.sendEvent(narrow, QHelpEvent(QEvent.Type.ToolTip, QPoint(5, 5), QPoint(5, 5)))

    assert said == [tip]
