from __future__ import annotations

from types import SimpleNamespace

from qtpy.QtWidgets import QLabel, QWidget

from napari_sr.widgets.common.open_form import docked, open_form


class Window:
    """Stands in for napari's window; remembers what was opened and shown."""

    def __init__(self):
        self.dock_widgets, self.happened = {}, []

    def add_plugin_dock_widget(self, plugin, name, tabify):
        self.happened.append((plugin, name, tabify))
        dock = SimpleNamespace(
            show=lambda: self.happened.append("shown"), raise_=lambda: self.happened.append("front")
        )
        return dock, f"the form {name}"


def test_a_form_is_opened_in_front_of_the_others():
    viewer = SimpleNamespace(window=Window())

    assert open_form(viewer, "Models") == "the form Models"
    assert viewer.window.happened == [("napari-sr", "Models", True), "shown", "front"]


def test_only_forms_of_the_class_are_found(qtbot):
    label, other = QLabel(), QWidget()
    qtbot.addWidget(label)
    qtbot.addWidget(other)
    viewer = SimpleNamespace(window=Window())
    viewer.window.dock_widgets = {"a": label, "b": other}

    assert docked(viewer, QLabel) == [label]


def test_a_viewer_without_a_window_has_no_forms(viewer):
    assert docked(viewer, QWidget) == []
