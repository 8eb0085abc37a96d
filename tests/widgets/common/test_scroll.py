"""A form that scrolls, and whose fields keep their width while it does."""

from __future__ import annotations

import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QApplication, QComboBox, QLineEdit, QVBoxLayout, QWidget

from napari_sr.widgets.common.scroll import LEAST_HEIGHT, ScrolledForm
from napari_sr.widgets.train.fields import TrainFields
from napari_sr.widgets.upscale.fields import UpscaleFields


@pytest.fixture
def form(qtbot):
    """Return a form of twenty lists."""
    form = ScrolledForm()
    qtbot.addWidget(form)
    inside = QWidget()
    layout = QVBoxLayout(inside)
    for _ in range(20):
        layout.addWidget(QComboBox())
    form.hold(layout, inside)
    form.show()
    return form


def widths(form, height):
    form.resize(500, height)
    QApplication.processEvents()
    return form.findChild(QComboBox).width(), form.verticalScrollBar().isVisible()


def test_fields_are_equally_wide_with_and_without_the_bar(form):
    low, barred = widths(form, 300)
    high, plain = widths(form, 2000)

    assert (barred, plain) == (True, False)
    assert low == high


def test_no_field_is_cut_at_the_least_width(form):
    form.resize(form.minimumSizeHint().width(), 300)
    QApplication.processEvents()

    assert form.widget().minimumSizeHint().width() <= form.viewport().width()


@pytest.mark.parametrize("kind", [UpscaleFields, TrainFields])
def test_two_docks_fit_a_low_screen(kind, qtbot):
    form = kind()
    qtbot.addWidget(form)
    form.fill()

    assert form.minimumSizeHint().height() == LEAST_HEIGHT
    assert 2 * (LEAST_HEIGHT + 40) < 768 - 100  # titles of docks; menu and status bar
    assert 2 * form.minimumSizeHint().width() < 1366


def boxes(form):
    return form.findChildren(QComboBox)


def visible(one):
    return one.visibleRegion().boundingRect().height() == one.height()


def test_it_scrolls_to_widgets_and_shows_the_first_if_not_all_fit(form, qtbot):
    form.resize(500, 300)
    form.reveal(*boxes(form)[9:12])
    qtbot.waitUntil(lambda: all(map(visible, boxes(form)[9:12])))
    place = form.verticalScrollBar().value()

    form.reveal(boxes(form)[10])
    qtbot.wait(20)
    assert form.verticalScrollBar().value() == place

    form.reveal(*boxes(form)[5:])
    qtbot.waitUntil(lambda: visible(boxes(form)[5]))


def test_it_does_not_scroll_away_from_a_field_in_which_the_user_types(form, qtbot):
    typed = QLineEdit(form.widget())
    typed.show()
    form.resize(500, 300)
    with qtbot.waitActive(form):
        form.activateWindow()
    typed.setFocus()

    form.reveal(boxes(form)[-1])
    qtbot.wait(20)
    assert form.verticalScrollBar().value() == 0

    typed.clearFocus()
    form.reveal(boxes(form)[-1])
    qtbot.waitUntil(lambda: visible(boxes(form)[-1]))


def test_lists_in_it_are_guarded_from_the_wheel(form):
    kinds = [child.metaObject().className() for child in form.findChild(QComboBox).children()]

    assert kinds.count("_Guard") == 1


def test_the_keyboard_goes_to_its_fields_and_not_to_itself(form):
    assert form.focusPolicy() == Qt.FocusPolicy.NoFocus
    assert form.findChild(QComboBox).focusPolicy() == Qt.FocusPolicy.StrongFocus
