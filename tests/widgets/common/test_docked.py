import pytest
from qtpy.QtWidgets import QLabel, QMainWindow

from napari_sr.widgets.common.docked import DockedForm


class Counting(DockedForm):
    """A form that counts how often it ended."""

    ends = 0

    def _end_with_dock(self):
        self.ends += 1


@pytest.fixture
def form(viewer, qtbot):
    window = QMainWindow()
    qtbot.addWidget(window)
    form = Counting(viewer, QLabel("fields"))
    window.setCentralWidget(form)
    form.window_of_test = window
    return form


def test_it_wears_the_theme_and_follows_it(viewer, form):
    dark = form._fields.styleSheet()

    viewer.theme = "light"

    assert "border" in dark
    assert form._fields.styleSheet() != dark


def test_it_ends_once_with_its_dock_and_listens_no_longer(viewer, form):
    before = len(viewer.events.theme.callbacks)

    form.window_of_test.takeCentralWidget()
    form.setParent(None)
    form._leave()

    assert form.ends == 1
    assert len(viewer.events.theme.callbacks) == before - 1
