"""Fixtures for forms: a viewer without a window, and networks that the tests control."""

from __future__ import annotations

import numpy as np
import pytest
from forms import PATIENCE
from napari.components import ViewerModel
from napari.settings import NapariSettings
from qtpy.QtCore import QSettings
from superqt.utils import WorkerBase

from napari_sr.widgets.upscale.form import UpscaleWidget


@pytest.fixture(autouse=True)
def _no_memory(tmp_path):
    """Let forms remember nothing of the user's, and of other tests."""
    QSettings.setPath(QSettings.Format.IniFormat, QSettings.Scope.UserScope, str(tmp_path))


@pytest.fixture
def appearance(monkeypatch):
    """Return napari's settings of the appearance for docked forms, apart from the user's."""
    settings = NapariSettings(config_path=None)
    monkeypatch.setattr("napari_sr.widgets.common.docked.get_settings", lambda: settings)
    return settings.appearance


@pytest.fixture
def viewer():
    """Return a viewer without a window."""
    return ViewerModel()


@pytest.fixture
def docked(qtbot):
    """Return a function that puts a form beside a viewer, as napari's window does."""
    made = []

    def make(viewer):
        widget = UpscaleWidget(viewer)
        qtbot.addWidget(widget)
        for name in ("inserted", "removed", "reordered"):
            getattr(viewer.layers.events, name).connect(widget.reset_choices)
        made.append(widget)
        return widget

    yield make
    WorkerBase.await_workers(PATIENCE)
    qtbot.wait(20)  # what the workers told last is dealt with while the forms still live


@pytest.fixture
def widget(viewer, docked, loader):
    """Return a form beside a viewer without a window, with networks that the tests control."""
    return docked(viewer)


@pytest.fixture
def camera(viewer, widget, random):
    """Return a grey layer of bytes, (12, 16)."""
    return viewer.add_image(random.integers(0, 255, (12, 16), np.uint8), name="camera")


@pytest.fixture
def run(qtbot):
    """Return a function that presses Run and waits for the end."""

    def press(widget):
        with qtbot.waitSignal(widget.run_ended, timeout=PATIENCE):
            widget.form.run.click()

    return press
