"""Checks after each action of `odd_moments.py`: whatever was closed or cancelled is gone."""

from __future__ import annotations

import gc
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import napari
import numpy as np
import psutil
from napari.utils import progress
from napari.utils.notifications import notification_manager
from qtpy.QtCore import QEvent, QThreadPool, qInstallMessageHandler
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication
from skimage import data
from superqt.utils import WorkerBase

from napari_sr.widgets.common.layer_source import is_preview

if TYPE_CHECKING:
    import weakref
    from collections.abc import Callable

PATIENCE = 90
"""Seconds after which a button counts as stuck."""
OTHERS = ("MainThread", "Dummy", "zarr", "asyncio", "ThreadPoolExecutor", "tqdm", "Tqdm")
"""Names of threads that Qt, zarr, dask and tqdm keep; threads of this plugin have other names."""
HARMLESS = ("propagateSizeHints", "This plugin does not support", "QStandardPaths")
"""Messages of Qt that the platform causes."""


class Errors:
    """Errors that no caller sees: in slots, threads, finalisers and in Qt itself."""

    def __init__(self) -> None:
        self.found: list[str] = []
        sys.excepthook = lambda kind, error, trace: self.add(f"in a slot: {kind.__name__}: {error}")
        threading.excepthook = lambda args: self.add(f"in a thread: {args.exc_value!r}")
        sys.unraisablehook = lambda args: self.add(f"unraisable: {args.exc_value!r} {args.object}")
        notification_manager.notification_ready.connect(self._notice)
        qInstallMessageHandler(self._message)

    def add(self, words: str) -> None:
        """Record an error."""
        self.found.append(words)

    def take(self) -> list[str]:
        """Return the errors since the last call."""
        found, self.found = self.found, []
        return found

    def _notice(self, notification: Any) -> None:
        if str(notification.severity).lower() in ("error", "warning"):
            self.add(f"notified: {notification.message}")

    def _message(self, kind: object, context: object, words: str) -> None:
        if not any(part in words for part in HARMLESS):
            self.add(f"Qt says: {words}")


class Checks:
    """A viewer, its form, and checks of both when nothing runs."""

    def __init__(self) -> None:
        self.errors = Errors()
        self.viewer: Any = None
        self.widget: Any = None
        self.gone: list[tuple[str, weakref.ref[Any]]] = []
        """Objects that must have been freed."""
        self.kept: Any = None
        """A layer of a closed viewer to which a script still refers."""

    def settle(self) -> list[str]:
        """Wait until nothing runs; return all problems."""
        problems = [] if self._wait(self._quiet) else [f"not quiet: {self._busy()}"]
        if self.widget is not None:
            problems += self._stuck()
        QTest.qWait(30)
        QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        self._touch()
        self._wait(lambda: gc.collect() is not None and not self._left(), patience=3)
        problems += self._left() + self.errors.take()
        self.gone = []
        names = [one.name for one in threading.enumerate()]
        problems += [f"thread {name}" for name in names if not name.startswith(OTHERS)]
        if progress._all_instances:
            problems.append(f"{len(progress._all_instances)} bars in the activity dock")
        return problems + self._stray_widgets()

    def _touch(self) -> None:
        """Change layers whose events closed forms may still receive."""
        layers = [] if self.viewer is None else list(self.viewer.layers)
        for layer in (*layers, self.kept):
            if isinstance(layer, napari.layers.Image) and not is_preview(layer):
                low, high = layer.contrast_limits
                layer.contrast_limits = (low, high + 1)
                layer.refresh()
        self.kept = None

    def _busy(self) -> dict[str, Any]:
        shown = self.widget
        return {
            "workers": [type(one).__name__ for one in WorkerBase._worker_set],
            "pool": QThreadPool.globalInstance().activeThreadCount(),
            "status": "" if shown is None else shown.form.status.text(),
            "preview": "" if shown is None else shown.form.about_preview.text(),
        }

    def _quiet(self) -> bool:
        pool = QThreadPool.globalInstance().activeThreadCount()
        if WorkerBase._worker_set or pool:
            return False
        if self.widget is None:
            return True
        preview, forecaster = self.widget._preview, self.widget._forecaster
        timers = (preview._pause, forecaster._pause, self.widget._pan)
        return not any(timer.isActive() for timer in timers) and self.widget._worker is None

    def _stuck(self) -> list[str]:
        """Return the problems of a form while nothing runs."""
        form, found = self.widget.form, []
        problems = self.widget._problems()
        if form.stop.isEnabled():
            found.append("Cancel is enabled, but nothing runs")
        if form.bar.isVisible():
            found.append("the bar is shown, but nothing runs")
        if not form.run.isEnabled() and not problems and "fit" not in form.status.text():
            found.append(f"Run is disabled without a problem; status {form.status.text()!r}")
        if form.run.isEnabled() and problems:
            found.append(f"Run is enabled in spite of {problems}")
        if any(words in form.status.text() for words in ("Starting", "Cancelling", "Upscaling")):
            found.append(f"the status still says {form.status.text()!r}")
        previews = [layer for layer in self.viewer.layers if is_preview(layer)]
        if len(previews) > form.preview.isChecked():
            found.append(f"{len(previews)} preview layers, Preview {form.preview.isChecked()}")
        if "…" in form.about_preview.text():
            found.append(f"the preview still says {form.about_preview.text()!r}")
        return found

    def _left(self) -> list[str]:
        return [f"{name} still exists" for name, gone in self.gone if gone() is not None]

    def _stray_widgets(self) -> list[str]:
        """Return problems for widgets of this plugin that are in no window."""
        windows = QApplication.topLevelWidgets()
        return [
            f"a widget without a window: {type(one).__name__}"
            for one in windows
            if type(one).__module__.startswith("napari_sr.")
        ]

    def _wait(self, ready: Callable[[], bool], patience: float = PATIENCE) -> bool:
        until = time.monotonic() + patience
        while not ready():
            if time.monotonic() > until:
                return False
            QTest.qWait(10)
        return True


def resident() -> float:
    """Return the resident size in MiB."""
    gc.collect()
    return psutil.Process().memory_info().rss / 2**20


def plain_windows(count: int) -> float:
    """Open and close windows without this plugin; return the growth in MiB per window."""
    sizes = []
    for _ in range(count):
        viewer = napari.Viewer(show_welcome_screen=False)
        viewer.window.resize(1300, 740)
        viewer.add_image(data.camera())
        QTest.qWait(100)
        viewer.close()
        QTest.qWait(50)
        QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        sizes.append(resident())
    return growth_of(sizes)


def growth_of(sizes: list[float]) -> float:
    """Return the median growth per window in the second half, when nearly all code is loaded.

    A mean would count models and libraries that are loaded for the first time as leaks.
    """
    later = sizes[len(sizes) // 2 :]
    return float(np.median(np.diff(later))) if len(later) > 1 else 0.0
