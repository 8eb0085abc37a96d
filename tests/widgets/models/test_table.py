"""The table of models on the screen: cells, order, filter, selection and keyboard."""

from __future__ import annotations

from dataclasses import replace

import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QAbstractItemView

from napari_sr.runs.model_columns import COLUMNS
from napari_sr.runs.model_speed import Speed
from napari_sr.runs.model_table import rows
from napari_sr.widgets.models.table import ModelsView

TITLES = [column.title for column in COLUMNS]


@pytest.fixture
def view(qtbot, tmp_path, monkeypatch):
    monkeypatch.setenv("NAPARI_SR_CACHE", str(tmp_path))
    monkeypatch.delenv("NAPARI_SR_WEIGHTS", raising=False)
    view = ModelsView()
    qtbot.addWidget(view)
    view.show_rows(rows())
    return view


def names(view):
    return [view.shown.row(at).model.name for at in range(view.shown.rowCount())]


def sort(view, title, order=Qt.SortOrder.AscendingOrder):
    view.sortByColumn(TITLES.index(title), order)


def test_rows_come_in_the_order_of_the_list_at_first(view):
    assert names(view) == [row.model.name for row in rows()]


def test_cells_have_text_and_a_tooltip_with_the_model_s_name(view):
    at = names(view).index("bsrn")
    index = view.shown.index(at, TITLES.index("PSNR, dB"))

    assert view.shown.data(index) == "38.10 / 32.35"
    assert view.shown.data(index, Qt.ItemDataRole.ToolTipRole) == "BSRN: 38.10 / 32.35"
    assert view.shown.data(index, Qt.ItemDataRole.AccessibleTextRole).startswith("PSNR, dB: ")


def test_headings_explain_their_columns(view):
    horizontal = Qt.Orientation.Horizontal

    for at, column in enumerate(COLUMNS):
        assert view.shown.headerData(at, horizontal) == column.title
        assert view.shown.headerData(at, horizontal, Qt.ItemDataRole.ToolTipRole) == column.tip


def test_numbers_are_sorted_as_numbers(view):
    sort(view, "Parameters", Qt.SortOrder.DescendingOrder)

    assert names(view)[:3] == ["imdn-ntire", "lapsrn", "srgan"]


@pytest.mark.parametrize("order", [Qt.SortOrder.AscendingOrder, Qt.SortOrder.DescendingOrder])
def test_unknown_figures_come_last_in_both_orders(view, order):
    found = rows()
    speed = Speed(0.4, "cpu", "2", "here")
    timed = replace(found[3], scales=(replace(found[3].scales[0], speed=speed),))
    view.show_rows([*found[:3], timed, *found[4:]])

    sort(view, "s per MP", order)

    assert names(view)[0] == found[3].model.name
    assert len(names(view)) == len(found)


def test_only_what_matches_the_search_is_shown(view):
    view.shown.search("fluorescence", False)

    assert set(names(view)) == {"microscope", "micrograph"}


def test_what_needs_no_download_can_be_shown_alone(view):
    view.shown.search("", True)

    assert "fsrcnn" in names(view)
    assert "bsrn" not in names(view)


def test_whole_rows_are_selected_and_stay_so_when_the_rows_are_read_again(view):
    view.select({"bsrn", "rfdn"})
    view.show_rows(rows())

    assert [row.model.name for row in view.selected()] == ["bsrn", "rfdn"]
    assert view.selectionMode() == QAbstractItemView.SelectionMode.ExtendedSelection


def test_enter_chooses_and_tab_leaves(view, qtbot):
    view.show()
    view.setFocus()
    view.select({"bsrn"})
    view.setCurrentIndex(view.shown.index(3, 0))

    with qtbot.waitSignal(view.chosen, timeout=1000):
        qtbot.keyClick(view, Qt.Key.Key_Return)

    assert not view.tabKeyNavigation()


def test_columns_have_a_limited_width_until_the_user_widens_them(view):
    assert all(view.columnWidth(at) <= 190 for at in range(len(COLUMNS)))
    view.setColumnWidth(0, 400)

    view.show_rows(rows())

    assert view.columnWidth(0) == 400
    view.fit("Model")
    assert view.columnWidth(0) < 400
