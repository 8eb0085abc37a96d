"""Show that nothing grows in a window that stays open: runs, cancels, closed docks, deleted layers.

    python benchmarks/quality/leaks.py --moments 120 --seed 1

Run it on a display, or with xvfb-run -a -s "-screen 0 1366x768x24". The random moments are those
of `odd_moments.py`, but all in one window. After every third moment, all layers are removed and the
forms are closed. Then the script counts what still exists: threads, Qt widgets, timers, objects of
this plugin's classes and of napari's (by Python's garbage collector), and the resident size after
free memory was returned to the system. The first half of the moments loads code and models. A line
is fitted through the second half: growth is its slope.

napari's grid is left out, and with it *Side by side*: when the number of layers changes in a grid,
napari 0.9.2 keeps its old views (66,700 Python objects for 6 layers that come and go, measured
without this plugin). napari's list of tasks keeps a small object of each run, `_Quit`.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import sys
import threading
from collections import Counter
from pathlib import Path

import numpy as np
from odd_checks import resident
from odd_moments import Moments
from qtpy.QtCore import QEvent, QThreadPool, QTimer
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

from napari_sr.widgets.common.memory import remember_nothing

sys.path.append(str(Path(__file__).parents[1]))
from commit import commit  # the path comes first

WARM = 0.5
"""Share of the counts to leave out at the start, while code and models are loaded."""
EVERY = 3
"""Number of moments between two counts."""
GROWTH = 0.25
"""Largest growth of the resident size in MiB per count that counts as none."""
OURS = "napari_sr.widgets", "napari.layers", "napari._qt", "napari._vispy"
"""Modules whose objects are counted."""
KEPT_BY_NAPARI = "napari_sr.widgets.common.worker._Quit"
"""Objects of this class, of 50 bytes, grow by one with each run."""


class OneWindow(Moments):
    """Random moments in one window, which stays open."""

    def switch_model(self) -> None:
        """Choose another scale of the fastest model."""
        form = self.widget.form.model
        form.choose("fsrcnn")
        form.scale.setCurrentIndex(self.chance.randrange(form.scale.count()))
        form.scale.activated.emit(form.scale.currentIndex())

    def grid(self) -> None:
        """Leave out napari's grid."""

    def compare(self) -> None:
        """Press a button that compares without napari's grid, if it is there."""
        row = self.widget.compare
        if row.isVisible():
            self.click(row.buttons[self.chance.choice(("slider", "blink"))])

    def close_viewer(self) -> None:
        """Close only the dock, because this test keeps the window open."""
        self.close_dock()

    def clear(self) -> None:
        """Remove all layers, and close all docks of this plugin."""
        self.viewer.canvas.grid.enabled = False
        self.viewer.layers.clear()
        for title in list(self.viewer.window.dock_widgets):
            dock = self.viewer.window.dock_widgets[title]
            self.viewer.window.remove_dock_widget(dock)
        self.widget = None
        QTest.qWait(100)  # napari draws the empty canvas


def count() -> dict[str, float]:
    """Return what exists, by name."""
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    QTest.qWait(30)
    gc.collect()
    kinds = Counter(_name(one) for one in gc.get_objects())
    widgets = QApplication.allWidgets()
    found = {name: float(number) for name, number in kinds.items() if name.startswith(OURS)}
    found["threads"] = float(threading.active_count())
    found["Qt threads"] = float(QThreadPool.globalInstance().activeThreadCount())
    found["Qt widgets"] = float(len(widgets))
    found["timers"] = float(sum(len(one.findChildren(QTimer)) for one in widgets))
    found["Python objects"] = float(kinds.total())
    ctypes.CDLL("libc.so.6").malloc_trim(0)
    found["resident, MiB"] = resident()
    return found


def _name(one: object) -> str:
    kind = type(one)
    return f"{kind.__module__}.{kind.__qualname__}"


def growth(counts: list[dict[str, float]]) -> dict[str, tuple[float, float, float]]:
    """Return first and last number and the slope per count, for all that changed after the start.

    Parameters
    ----------
    counts : list of dict
        What existed at each count.
    """
    later = counts[round(len(counts) * WARM) :]
    found = {}
    for name in sorted({name for one in later for name in one}):
        numbers = [one.get(name, 0.0) for one in later]
        slope = float(np.polyfit(range(len(numbers)), numbers, 1)[0])
        if len(set(numbers)) > 1:
            found[name] = numbers[0], numbers[-1], slope
    return found


def grows(name: str, first: float, last: float, slope: float) -> bool:
    """Return whether a slope is a leak, not chance."""
    if name == "resident, MiB":
        return slope > GROWTH
    if name == "Python objects":
        return slope > 100
    if name == KEPT_BY_NAPARI:
        return False
    return slope > 0.2 and last > first + 2


def main() -> None:
    """Print numbers after each count, and what grew; exit with 1 if something did."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--moments", type=int, default=120)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    remember_nothing()
    window, counts, faulty = OneWindow(given.seed), [], 0
    print(f"commit {commit()}\n\n| moment | what | faults | widgets | objects | MiB |")
    print("|---|---|---|---|---|---|")
    for number in range(1, given.moments + 1):
        what = window.moment()
        faults = window.settle()
        faulty += bool(faults)
        sizes: list[float] = []
        if number % EVERY == 0:
            window.clear()
            counts.append(found := count())
            sizes = [found[name] for name in ("Qt widgets", "Python objects", "resident, MiB")]
        told = f"{number} | {what} | {'; '.join(faults) or 'none'}"
        print(f"| {told} | {' | '.join(f'{size:.0f}' for size in sizes)} |", flush=True)
    changed = growth(counts)
    leaks = [name for name, row in changed.items() if grows(name, *row)]
    print("\n| what | first | last | growth per count |\n|---|---|---|---|")
    for name, (first, last, slope) in changed.items():
        print(f"| {name} | {first:.0f} | {last:.0f} | {slope:+.3f} |")
    print(f"\ngrows: {', '.join(leaks) or 'nothing'}; moments with faults: {faulty}")
    window.viewer.close()
    sys.exit(bool(leaks or faulty))


if __name__ == "__main__":
    main()
