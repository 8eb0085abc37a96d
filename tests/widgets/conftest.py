"""Fixtures for forms: a viewer without a window, and networks that the tests control."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest
from fakes import Nearest
from napari.components import ViewerModel
from superqt.utils import WorkerBase

from napari_sr import api
from napari_sr.widgets import _forecast
from napari_sr.widgets.upscale import UpscaleWidget

PATIENCE = 20_000
"""Milliseconds after which a test gives up."""


class Gated(Nearest):
    """Computes a tile only when the test lets it, and tells how many it began."""

    def __init__(self, **options):
        super().__init__(**options)
        self.permits = threading.Semaphore(0)
        self.begun = threading.Semaphore(0)

    def __deepcopy__(self, memo):
        return Nearest(scale=self.scale, channels=self.channels, radius=self.radius)

    def compute(self, image):
        if image.device.type != "meta":
            self.begun.release()
            assert self.permits.acquire(timeout=PATIENCE / 1000), "the test never let it go on"
        return super().compute(image)


class Slow(Nearest):
    """Takes its time for every tile, and lets other threads run meanwhile, as torch does."""

    def compute(self, image):
        if image.device.type != "meta":
            time.sleep(0.02)
        return super().compute(image)


class Failing(Nearest):
    """Raises what it is told to."""

    def __init__(self, error, **options):
        super().__init__(**options)
        self.error = error

    def compute(self, image):
        if self.error is not None and image.device.type != "meta":
            raise self.error
        return super().compute(image)


class Loader:
    """Stands in for `napari_sr.load`: returns the test's network, and remembers what for."""

    def __init__(self):
        self.network = Nearest(scale=2)
        self.asked = []

    def __call__(self, name_or_path, scale=None, **options):
        self.asked.append((name_or_path, scale, options))
        self.network.provenance = {"model": str(name_or_path), "sha256": "0123"}
        return self.network


@pytest.fixture
def loader(monkeypatch):
    """Replace the loading of networks, and the timing that would run them."""
    loader = Loader()
    monkeypatch.setattr(api, "load", loader)
    monkeypatch.setattr(_forecast, "_speed", lambda device, **arguments: 1e6)
    _forecast._loaded.cache_clear()
    yield loader
    _forecast._loaded.cache_clear()


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
