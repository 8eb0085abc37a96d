import pytest
from qtpy.QtWidgets import QLabel, QMainWindow

from napari_sr.widgets.common.docked import DockedForm


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
