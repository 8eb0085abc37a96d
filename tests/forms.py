"""Networks that a test holds by the hand, and a stand-in for loading them: for tests of forms."""

from __future__ import annotations

import copy
import sys
import threading
import time

from fakes import Nearest

from napari_sr.runs import cache

PATIENCE = 20_000
"""Milliseconds after which a test gives up."""


class Gated(Nearest):
    """Computes a tile only when the test lets it, and tells how many it began."""

    def __init__(self, **options):
        super().__init__(**options)
        self.permits = threading.Semaphore(0)
        self.begun = threading.Semaphore(0)

    def __deepcopy__(self, memo):
        copied = Nearest(scale=self.scale, channels=self.channels, radius=self.radius)
        copied.weight = copy.deepcopy(self.weight, memo)
        return copied.train(self.training)

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
    """Stands in for `load_one`: returns the test's network, and remembers what for."""

    def __init__(self):
        self.network = Nearest(scale=2)
        self.asked = []

    @property
    def network(self):
        """Return what is loaded."""
        return self._network

    @network.setter
    def network(self, network):
        if qt := sys.modules.get("qtpy.QtCore"):  # a forecast may be loading the last one
            qt.QThreadPool.globalInstance().waitForDone(2000)
        self._network = network
        cache._loaded.cache_clear()  # what was loaded before is not this

    def __call__(self, reference):
        self.asked.append((reference.name, reference.scale, dict(reference.options)))
        self.network.provenance = {"model": str(reference.name), "sha256": "0123"}
        return self.network.eval()


def camera_of(viewer):
    """Return a viewer's camera, of any napari."""
    return getattr(viewer, "scene", viewer).camera


def grid_of(viewer):
    """Return a viewer's grid, of any napari."""
    return getattr(viewer, "canvas", viewer).grid


def resize_canvas(viewer, height, width):
    """Set the size of a canvas, as a window does."""
    if hasattr(viewer, "canvas"):  # since napari 0.9
        viewer.canvas.size = (height, width)
    else:
        viewer._canvas_size = (height, width)
