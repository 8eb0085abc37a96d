import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QDockWidget, QLabel, QMainWindow, QVBoxLayout, QWidget

from napari_sr.widgets.common.docked import DockedForm
from napari_sr.widgets.common.scroll import ScrolledForm


class WithWindow:
    """A viewer with a window, as napari passes it to forms."""

    window = None

    def __init__(self, viewer):
        self.__wrapped__ = viewer

    def __getattr__(self, name):
        return getattr(self.__wrapped__, name)


@pytest.fixture
def scrolled(qapp):
    """Return fields that scroll, and what scrolls in them."""
    fields, inside = ScrolledForm(), QWidget()
    fields.hold(QVBoxLayout(inside), inside)
    return fields, inside


class Counting(DockedForm):
    """A form that counts how often it ended."""

    ends = 0

    def _end_with_dock(self):
        self.ends += 1


@pytest.fixture
def form(viewer, appearance, qtbot):
    window = QMainWindow()
    qtbot.addWidget(window)
    form = Counting(viewer, QLabel("fields"))
    window.setCentralWidget(form)
    form.window_of_test = window
    return form


def test_it_wears_the_theme_and_follows_it(viewer, form):
    viewer.theme = "dark"
    dark = form._fields.styleSheet()

    viewer.theme = "light"

    assert "border" in dark
    assert form._fields.styleSheet() != dark


def test_it_follows_the_preferred_font_size(form, appearance):
    before = form._fields.styleSheet()

    appearance.font_size += 5

    assert form._fields.styleSheet() != before
    assert f"{appearance.font_size}pt" in form._fields.styleSheet()


def test_it_ends_once_with_its_dock_and_listens_no_longer(viewer, appearance, form):
    events = viewer.events.theme, appearance.events.font_size
    before = [len(event.callbacks) for event in events]

    form.window_of_test.takeCentralWidget()
    form.setParent(None)
    form._leave()

    assert form.ends == 1
    assert [len(event.callbacks) for event in events] == [count - 1 for count in before]


def test_fields_join_a_form_without_a_window_at_once(viewer, scrolled):
    fields, inside = scrolled

    form = DockedForm(viewer, fields)

    assert fields.widget() is inside
    assert "border" in form._fields.styleSheet()


def test_fields_join_a_form_in_a_dock_once_it_has_the_style_of_the_window(viewer, scrolled, qtbot):
    fields, inside = scrolled
    window, dock = QMainWindow(), QDockWidget()
    qtbot.addWidget(window)
    window.setStyleSheet("QLabel { color: red }")

    dock.setWidget(DockedForm(WithWindow(viewer), fields))
    outside = fields.widget(), fields.styleSheet()
    window.addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, dock)

    assert outside == (None, "")
    assert fields.widget() is inside
    assert "border" in fields.styleSheet()


def test_fields_join_a_form_that_is_shown_in_no_dock(viewer, scrolled, qtbot):
    fields, inside = scrolled
    form = DockedForm(WithWindow(viewer), fields)
    qtbot.addWidget(form)

    form.show()

    assert fields.widget() is inside
    assert "border" in fields.styleSheet()
