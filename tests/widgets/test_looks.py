"""All docks: no text is cut, every control has a name, and the keyboard reaches all in order."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from forms import PATIENCE
from napari.qt import get_stylesheet
from npe2 import PluginManifest
from qtpy.QtCore import QLocale, QPoint, Qt
from qtpy.QtWidgets import (
    QAbstractButton,
    QAbstractSpinBox,
    QComboBox,
    QFormLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QStyle,
    QStyleOptionComboBox,
    QVBoxLayout,
    QWidget,
)
from superqt.utils import WorkerBase

from napari_sr.widgets.common.label import WrappedLabel
from napari_sr.widgets.common.names_box import Elider, NamesBox
from napari_sr.widgets.common.rows import takes_tab

LONG = "2026-11-29_experiment_17_plate_3_well_B04_field_12_channel_GFP_maximum_projection.ome.tif"
SCREEN = 768 - 130
"""Height of a form in pixels on a small screen: napari's menu, titles and status take the rest."""


def commands():
    """Return the commands of `napari.yaml` that open a dock, with the names of the classes."""
    manifest = PluginManifest.from_file(Path(__file__).parents[2] / "napari.yaml")
    python = {one.id: one.python_name for one in manifest.contributions.commands}
    return {one.display_name: python[one.command] for one in manifest.contributions.widgets}


COMMANDS = commands()


@pytest.fixture
def show(viewer, appearance, qtbot, random):
    """Return a function that shows a dock's form in napari's style, with layers to work on."""
    pixels = random.normal(0, 1e6, (3, 16, 16)).astype(np.float32)
    viewer.add_image(
        pixels, name=LONG, contrast_limits=(-1234567.891, 2345678.125), scale=(1, 0.1, 0.1)
    )
    viewer.add_image(pixels, name="second")
    viewer.add_shapes([[[2, 2], [9, 9]]], shape_type="line", name=f"shapes of {LONG}")
    hosts = []

    def make(dock, points=9):
        appearance.font_size = points
        module, _, name = COMMANDS[dock].partition(":")
        form = getattr(import_module(module), name)(viewer)
        host = QWidget()
        host.setStyleSheet(get_stylesheet("dark", extra_variables={"font_size": f"{points}pt"}))
        qtbot.addWidget(host)
        layout = QVBoxLayout(host)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(form)
        host.show()
        host.resize(form.minimumSizeHint().width(), SCREEN)
        show_all(form, qtbot)
        hosts.append(host)
        return form

    yield make
    WorkerBase.await_workers(PATIENCE)
    qtbot.wait(20)


def show_all(form, qtbot):
    """Open what is closed at first, and show what comes after a run."""
    fields = form.form
    for name in ("more", "output", "values", "degradation"):
        chooser = getattr(fields, name, None)
        if name == "more" and chooser is not None:
            chooser.open()
        elif chooser is not None:
            chooser.kind.setCurrentIndex(chooser.kind.count() - 1)
            chooser.kind.activated.emit(chooser.kind.currentIndex())
    if hasattr(fields, "output"):
        fields.output.path.setText(str(Path.home() / f"{LONG} {LONG}.ome.zarr"))
        fields.output.path.textEdited.emit(fields.output.path.text())
    for row in (getattr(form, "compare", None), getattr(form, "record", None)):
        if row is not None:
            row.setVisible(True)
    row = getattr(form, "compare", None) or getattr(fields, "row", None)
    if row is not None:
        row.turn.setVisible(True)
    if hasattr(fields, "status"):
        fields.status.say(f"Done: {LONG} [FSRCNN x2]; {'some words on the result ' * 8}")
    qtbot.wait(1)


def seen(form):
    """Return the visible widgets of a form, without the parts that Qt's own fields consist of."""
    return [
        widget
        for widget in form.findChildren(QWidget)
        if widget.isVisibleTo(form)
        and not widget.objectName().startswith("qt_")
        and not isinstance(widget.parent(), QAbstractSpinBox | QComboBox | QLineEdit)
    ]


def room(widget):
    """Return text and width in pixels of a widget that shows one line, or None for others."""
    if isinstance(widget, QAbstractSpinBox):
        return widget.text(), widget.lineEdit().contentsRect().width() - 4
    if isinstance(widget, QLineEdit):
        return widget.text(), widget.contentsRect().width() - 4
    if isinstance(widget, QComboBox):
        option = QStyleOptionComboBox()
        widget.initStyleOption(option)
        part = QStyle.SubControl.SC_ComboBoxEditField
        rect = widget.style().subControlRect(
            QStyle.ComplexControl.CC_ComboBox, option, part, widget
        )
        return widget.currentText(), rect.width()
    return None


def is_cut(widget):
    """Return whether a part of a widget's text can neither be seen nor read in its tooltip."""
    if isinstance(widget, WrappedLabel):
        words = QLabel.text(widget).split()
        longest = max(map(widget.fontMetrics().horizontalAdvance, words), default=0)
        return widget.height() < widget.heightForWidth(widget.width()) or longest > widget.width()
    if isinstance(widget, QLabel | QAbstractButton):
        wanted = widget.sizeHint()
        return widget.width() < wanted.width() or widget.height() < wanted.height()
    line = room(widget)
    if line is None or isinstance(widget, NamesBox) or widget.findChild(Elider):
        return False  # its tooltip begins with the whole name
    text, width = line
    return widget.fontMetrics().horizontalAdvance(text) > width and text not in widget.toolTip()


@pytest.fixture
def _german():
    before = QLocale()
    QLocale.setDefault(QLocale(QLocale.Language.German))
    yield
    QLocale.setDefault(before)


@pytest.mark.usefixtures("_german", "loader")
@pytest.mark.parametrize("points", [9, 14])
@pytest.mark.parametrize("dock", COMMANDS)
def test_no_text_is_cut(dock, points, show):
    form = show(dock, points)

    cut = [(type(one).__name__, room(one) or one.text()) for one in seen(form) if is_cut(one)]

    assert cut == []


def name_of(widget, form):
    """Return what a screen reader says of a widget."""
    buddies = {label.buddy(): label.text() for label in form.findChildren(QLabel) if label.buddy()}
    text = widget.text() if isinstance(widget, QAbstractButton) else ""
    return widget.accessibleName() or text or buddies.get(widget, "")


def reached(form):
    """Return the widgets at which Tab stops, in its order."""
    stops, widget = [], form.nextInFocusChain()
    while widget is not form:
        if form.isAncestorOf(widget) and takes_tab(widget) and widget.focusProxy() is None:
            stops.append(widget)
        widget = widget.nextInFocusChain()
    known = seen(form)
    return [widget for widget in stops if widget in known]


def labels_of(form):
    """Return the labels beside the fields of a form."""
    for layout in form.findChildren(QFormLayout):
        for row in range(layout.rowCount()):
            item = layout.itemAt(row, QFormLayout.ItemRole.LabelRole)
            if item is not None:
                yield item.widget()


@pytest.mark.usefixtures("loader")
@pytest.mark.parametrize("dock", COMMANDS)
def test_it_fits_a_small_screen_and_its_controls_have_names_in_their_order(dock, show):
    form = show(dock)
    stops = reached(form)

    def place(widget):
        """Return row and column; fields of one row may differ in height."""
        middle = widget.mapTo(form, QPoint(0, widget.height() // 2))
        return round(middle.y() / 12), middle.x()

    names = [name_of(widget, form) for widget in stops]
    by_place = [name_of(widget, form) for widget in sorted(stops, key=place)]
    # a list without items is false, so compare with None
    lost = [
        label.text()
        for label in labels_of(form)
        if label.buddy() is None or not takes_tab(label.buddy())
    ]

    assert form.minimumSizeHint().width() <= 420, "two docks and a canvas beside each other"
    assert "" not in names
    assert [name for name in names if names.count(name) > 1] == []
    assert names == by_place, "Tab follows the look"
    assert [text for text in lost if text] == [], "labels lead to their fields"


@pytest.mark.usefixtures("loader")
@pytest.mark.parametrize("dock", COMMANDS)
def test_every_button_can_be_pressed_by_keyboard(dock, show, qtbot):
    form = show(dock)
    buttons = [one for one in seen(form) if isinstance(one, QAbstractButton)]
    plain = [one for one in buttons if not isinstance(one, QPushButton) or one.menu() is None]
    pressed = []
    for button in plain:
        with suppress(TypeError, RuntimeError):  # nothing is connected
            button.clicked.disconnect()  # so that nothing is started
        button.clicked.connect(partial(lambda one, *_: pressed.append(one), button))

    for button in plain:
        button.setEnabled(True)
        qtbot.keyClick(button, Qt.Key.Key_Space)

    assert [button.text() for button in buttons if not takes_tab(button)] == []
    assert pressed == plain
