"""Measure how long the window does not respond, and how soon Cancel works.

    python benchmarks/quality/window.py

Run it on a display, or with xvfb-run -a -s "-screen 0 1366x768x24". A timer ticks every 5 ms; the
longest time between two ticks is a stall. The table also shows the largest processor time of the
window's thread between two ticks, which other programs do not affect. The script measures:

* napari alone, for comparison: an idle window, panning, adding arrays that are ready, and only
  the upload of their pixels as a texture, which every program needs to show them;
* opening each form, and choosing each model;
* runs of 1024 x 1024 and 2048 x 2048, x4, until the result is shown;
* panning with the preview on;
* for every shipped model, the time from Cancel to the end of its run on 1024 x 1024 (not with
  `--only stalls`).
"""

from __future__ import annotations

import argparse
import sys
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import napari
import numpy as np
from qtpy.QtCore import QTimer
from qtpy.QtTest import QTest
from skimage import data
from vispy import gloo

from napari_sr.widgets.common.memory import remember_nothing
from napari_sr.zoo.registry import entries

sys.path.append(str(Path(__file__).parents[1]))
from commit import commit  # the path comes first

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_sr.widgets.upscale.form import UpscaleWidget

PATIENCE = 900_000
"""Milliseconds after which a run counts as failed."""
WAIT = 1500
"""Milliseconds to wait while the window draws what was added."""


class Beats:
    """A timer that records the longest time and the largest processor time between two ticks."""

    def __init__(self) -> None:
        self._timer = QTimer()
        self._timer.setInterval(5)
        self._timer.timeout.connect(self._beat)
        self.start()
        self._timer.start()

    def start(self) -> None:
        """Start a new measurement."""
        self.longest = self.busiest = 0.0
        self._last, self._used = time.perf_counter(), time.thread_time()

    def _beat(self) -> None:
        now, used = time.perf_counter(), time.thread_time()
        self.longest = max(self.longest, now - self._last)
        self.busiest = max(self.busiest, used - self._used)
        self._last, self._used = now, used


def wait_until(ready: Callable[[], bool]) -> None:
    """Handle events until `ready` returns true.

    Raises
    ------
    SystemExit
        If this takes longer than `PATIENCE`.
    """
    began = time.monotonic()
    while not ready():
        QTest.qWait(5)
        if time.monotonic() - began > PATIENCE / 1000:
            raise SystemExit("the run did not end in time")


def photograph(side: int) -> np.ndarray:
    """Return a photograph, repeated to this side."""
    tile = data.camera()
    count = -(-side // len(tile))
    return np.tile(tile, (count, count))[:side, :side]


def pan(viewer: napari.Viewer) -> None:
    """Pan in small steps for four seconds, as a user does."""
    camera = getattr(viewer, "scene", viewer).camera
    for _ in range(80):
        _, y, x = camera.center
        camera.center = (0, y + 2, x + 2)
        QTest.qWait(50)


def upload(viewer: napari.Viewer, pixels: np.ndarray) -> None:
    """Send pixels to OpenGL as a texture, and wait until it has them; draw nothing."""
    canvas = viewer.window._qt_viewer.canvas._scene_canvas
    canvas.set_current()
    texture = gloo.Texture2D(pixels[..., np.newaxis], format="luminance")
    canvas.context.glir.associate(texture.glir)
    canvas.context.flush_commands()
    canvas.context.finish()


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


class Window:
    """napari's window with the upscaling form, and the longest stalls measured in it."""

    def __init__(self) -> None:
        remember_nothing()
        self.rows: list[tuple[str, str, str]] = []
        self.viewer = napari.Viewer(show_welcome_screen=False)
        self.viewer.window.resize(1300, 740)
        self.layer = self.viewer.add_image(photograph(2048), name="photograph")
        self.camera = getattr(self.viewer, "scene", self.viewer).camera
        self.camera.zoom *= 4
        self._beats = Beats()
        QTest.qWait(1000)

    def measure(self, what: str, do: Callable[[], object], wait: int = 0) -> None:
        """Do something, handle events for some milliseconds, and note the longest stall."""
        self._beats.start()
        do()
        QTest.qWait(wait)
        found = f"{1000 * self._beats.longest:.0f} ms", f"{1000 * self._beats.busiest:.0f} ms"
        self.rows.append((what, *found))

    def alone(self) -> None:
        """Measure napari without this plugin."""
        self.measure("napari alone, idle", lambda: QTest.qWait(4000))
        self.measure("napari alone, panning", lambda: pan(self.viewer))
        for side in (4096, 8192):
            ready = photograph(2048).repeat(side // 2048, 0).repeat(side // 2048, 1)
            for turn in ("first", "second"):
                what = f"napari alone, adding {side} x {side} that is ready, {turn}"
                self.measure(what, partial(self.viewer.add_image, ready), WAIT)
                self.viewer.layers.remove(self.viewer.layers[-1])
                QTest.qWait(WAIT)
                what = f"OpenGL alone, a texture of {side} x {side}, {turn}"
                self.measure(what, partial(upload, self.viewer, ready), 100)

    def forms(self) -> UpscaleWidget:
        """Measure how long forms take to open, and to show a model."""
        opened = {}

        def show(name: str) -> None:
            _, opened[name] = self.viewer.window.add_plugin_dock_widget("napari-sr", name)

        for name in ("Models", "Compare two layers", "Train a network", "Upscale layer"):
            for turn in ("first", "second"):
                self.measure(f"opening the form {name}, {turn}", partial(show, name), WAIT)
                if (name, turn) != ("Upscale layer", "second"):
                    self.viewer.window.remove_dock_widget(opened[name])
                    QTest.qWait(WAIT)
        widget: UpscaleWidget = opened["Upscale layer"]
        chooser = widget.form.model
        families = dict.fromkeys(entry.family for entry in entries())

        def choose_all() -> None:
            for family in families:
                chooser.choose(family)
                QTest.qWait(300)

        self.measure("choosing each model", choose_all, WAIT)
        return widget

    def runs(self, widget: UpscaleWidget) -> None:
        """Measure runs, and adding their results."""

        def run() -> None:
            widget.form.run.click()
            wait_until(widget.form.run.isEnabled)

        small = self.viewer.add_image(photograph(1024), name="smaller")
        for layer in (small, self.layer):
            self.viewer.layers.selection = {layer}
            choose(widget, "fsrcnn", 4)
            side = len(layer.data)
            for turn in ("first", "second"):
                what = f"{side} x {side}, x4, {turn} run and its result"
                self.measure(what, run, WAIT)
                self.viewer.layers.remove(f"{layer.name} [FSRCNN x4]")
                QTest.qWait(WAIT)
        self.viewer.layers.remove(small)

    def preview(self, widget: UpscaleWidget) -> None:
        """Measure panning with the preview."""
        widget.form.preview.click()
        wait_until(lambda: "these are" in widget.form.about_preview.text())
        self.camera.center = (0, 700, 700)
        self.measure("panning with the preview on", lambda: pan(self.viewer))
        widget.form.preview.click()

    def cancels(self, widget: UpscaleWidget) -> None:
        """Measure how soon Cancel works."""
        self.viewer.layers.remove(self.layer)
        self.viewer.add_image(photograph(1024), name="smaller")
        shipped = [one for one in entries() if one.url is None and not one.computed]
        for entry in shipped:
            seconds = cancel_time(self.viewer, widget, entry.family, entry.scale)
            self.rows.append((f"Cancel: {entry.name}, 1024 x 1024", f"{seconds:.2f} s", ""))


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--only", choices=["stalls"], help="do not measure Cancel")
    only = parser.parse_args().only
    window = Window()
    window.alone()
    widget = window.forms()
    window.runs(widget)
    window.preview(widget)
    if only is None:
        window.cancels(widget)
    sys.stdout.write(
        f"commit {commit()}, napari {napari.__version__}\n\n"
        "| what | longest stall | most processor time of the window |\n|---|---|---|\n"
    )
    sys.stdout.writelines(f"| {' | '.join(row)} |\n" for row in window.rows)
    window.viewer.close()


if __name__ == "__main__":
    main()
