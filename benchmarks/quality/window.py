"""Measure how long the window stands still, and how soon Cancel works.

    python benchmarks/quality/window.py

Run it on a display, or with xvfb-run -a -s "-screen 0 1366x768x24". A timer beats every 5 ms; the
longest time between two beats is a stall. Measured: an idle window and panning without a preview,
to compare with; a run of 2048 x 2048, x4, until its result is shown; panning with the preview on;
and for every shipped model the time from Cancel to the end of its run on 1024 x 1024.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import napari
import numpy as np
from qtpy.QtCore import QTimer
from qtpy.QtTest import QTest
from skimage import data

from napari_sr.widgets.common.memory import remember_nothing
from napari_sr.zoo.registry import entries

sys.path.append(str(Path(__file__).parents[1]))
from commit import commit  # the path comes first

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_sr.widgets.upscale.form import UpscaleWidget

PATIENCE = 900_000
"""Milliseconds after which a run is given up."""


class Beats:
    """A timer that remembers the longest time between two beats."""

    def __init__(self) -> None:
        self._timer = QTimer()
        self._timer.setInterval(5)
        self._timer.timeout.connect(self._beat)
        self.start()
        self._timer.start()

    def start(self) -> None:
        """Forget what was measured."""
        self.longest, self._last = 0.0, time.perf_counter()

    def _beat(self) -> None:
        now = time.perf_counter()
        self.longest, self._last = max(self.longest, now - self._last), now


def wait_until(ready: Callable[[], bool]) -> None:
    """Handle events until something is true.

    Raises
    ------
    SystemExit
        If that takes too long.
    """
    began = time.monotonic()
    while not ready():
        QTest.qWait(5)
        if time.monotonic() - began > PATIENCE / 1000:
            raise SystemExit("the run did not end in time")


def photograph(side: int) -> np.ndarray:
    """Return a photograph of any size, by repeating it."""
    tile = data.camera()
    count = -(-side // len(tile))
    return np.tile(tile, (count, count))[:side, :side]


def pan(viewer: napari.Viewer) -> None:
    """Pan as a hand does, for four seconds."""
    camera = getattr(viewer, "scene", viewer).camera
    for _ in range(80):
        _, y, x = camera.center
        camera.center = (0, y + 2, x + 2)
        QTest.qWait(50)


def choose(widget: UpscaleWidget, model: str, scale: int) -> None:
    """Choose a model, and wait until the form has a forecast."""
    widget.form.choose({"model": model, "scale": scale})
    widget.check()
    wait_until(lambda: bool(widget.form.forecast.text()))


def cancel_time(viewer: napari.Viewer, widget: UpscaleWidget, model: str, scale: int) -> float:
    """Return the seconds from Cancel, in the middle of a run, to its end."""
    choose(widget, model, scale)
    widget.form.run.click()
    wait_until(lambda: "Upscaling" in widget.form.status.text() or widget.form.run.isEnabled())
    QTest.qWait(700)
    began = time.perf_counter()
    widget.form.stop.click()
    wait_until(widget.form.run.isEnabled)
    return time.perf_counter() - began


def main() -> None:
    """Print a table."""
    remember_nothing()
    viewer = napari.Viewer(show_welcome_screen=False)
    viewer.window.resize(1300, 740)
    layer = viewer.add_image(photograph(2048), name="photograph")
    _, widget = viewer.window.add_plugin_dock_widget("napari-sr", "Upscale layer")
    choose(widget, "fsrcnn", 4)
    beats, rows = Beats(), []

    def measure(what: str, do: Callable[[], object]) -> None:
        beats.start()
        do()
        rows.append((f"longest stall: {what}", f"{1000 * beats.longest:.0f} ms"))

    def run() -> None:
        widget.form.run.click()
        wait_until(widget.form.run.isEnabled)

    camera = getattr(viewer, "scene", viewer).camera
    camera.zoom *= 4
    measure("idle", lambda: QTest.qWait(4000))
    measure("panning", lambda: pan(viewer))
    measure("2048 x 2048, x4, first run and its result", run)
    viewer.layers.remove(viewer.layers[-1])
    measure("2048 x 2048, x4, second run and its result", run)
    viewer.layers.remove(viewer.layers[-1])
    widget.form.preview.click()
    wait_until(lambda: "these are" in widget.form.about_preview.text())
    camera.center = (0, 700, 700)
    measure("panning with the preview on", lambda: pan(viewer))
    widget.form.preview.click()
    viewer.layers.remove(layer)
    viewer.add_image(photograph(1024), name="smaller")
    shipped = [one for one in entries() if one.url is None and not one.computed]
    for entry in shipped:
        seconds = cancel_time(viewer, widget, entry.family, entry.scale)
        rows.append((f"Cancel: {entry.name}, 1024 x 1024", f"{seconds:.2f} s"))
    sys.stdout.write(
        f"commit {commit()}, napari {napari.__version__}\n\n| what | time |\n|---|---|\n"
    )
    sys.stdout.writelines(f"| {what} | {figure} |\n" for what, figure in rows)
    viewer.close()


if __name__ == "__main__":
    main()
