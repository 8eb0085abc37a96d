"""Show that nothing grows in a window that stays open: runs, cancels, closed docks, deleted layers.

    python benchmarks/quality/leaks.py --moments 120 --seed 1
    python benchmarks/quality/leaks.py --plant 1    # keeps 1 MiB per moment: this must be found

Run it on a display, or with xvfb-run -a -s "-screen 0 1366x768x24". The random moments are those
of `odd_moments.py`, but all in one window. After every third moment, all layers are removed and the
forms are closed. Then the script counts what still exists: threads, Qt widgets, timers, objects by
class (by Python's garbage collector), allocated memory and the resident size. Half as many moments
without this plugin come first, with layers of the same sizes: napari's own growth. The first half
of the counts loads code and models. A robust line through the second half shows growth, see
`leak_trend.py`.

napari's grid is left out, and with it *Side by side*: when the number of layers changes in a grid,
napari 0.9.2 keeps its old views (66,700 Python objects for 6 layers that come and go, measured
without this plugin). The list of tasks keeps a few small objects of each run, see `KEPT_BY_NAPARI`.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING

import napari
import numpy as np
from leak_counts import SHOWN, count, return_freed_memory
from leak_trend import LEAST, Trend, leaks, trends
from odd_moments import Moments
from qtpy.QtTest import QTest

from napari_sr.widgets.common.memory import remember_nothing

sys.path.append(str(Path(__file__).parents[1]))
from commit import commit  # the path comes first

if TYPE_CHECKING:
    from collections.abc import Callable

EVERY = 3
"""Number of moments between two counts."""


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


class Napari(OneWindow):
    """Random moments without this plugin: layers of the same sizes come, change and go."""

    def prepare(self) -> None:
        """Open the window, and fill the list of layers."""
        if self.viewer is None:
            self.viewer = napari.Viewer(show_welcome_screen=False)
            self.viewer.window.resize(1300, 740)
        for number in range(3 - len(self.viewer.layers)):
            side = self.chance.choice((48, 96, 128))
            self.viewer.add_image(np.full((side, side), 7, np.uint8), name=f"image {number}")

    def add_result(self) -> None:
        """Add an enlarged copy of an image."""
        layer, scale = self.image(), self.chance.choice((2, 3, 4))
        pixels = np.kron(layer.data, np.ones((scale, scale), np.uint8))
        self.viewer.add_image(pixels, scale=(1 / scale, 1 / scale))

    def moment(self) -> str:
        """Add layers or move the camera, and delete something; return what was done."""
        self.prepare()
        begin = self.chance.choice((self.add_result, self.add_result, self.pan))
        end = self.chance.choice((self.delete_layer, self.delete_all, self.change_pixels))
        begin()
        QTest.qWait(self.chance.choice((1, 20, 100, 250)))
        end()
        return f"{begin.__name__}, {end.__name__}"


def watch(
    window: OneWindow, moments: int, extra: Callable[[], object]
) -> tuple[dict[str, Trend], int]:
    """Let moments happen; print what exists, return its trends and the number of faulty moments.

    Parameters
    ----------
    window : OneWindow
        The window and its actions.
    moments : int
        Number of moments.
    extra : callable
        Called after each moment.
    """
    print(f"\n| moment | what | faults | {' | '.join(SHOWN)} |")
    print("|---" * (3 + len(SHOWN)) + "|")
    faulty = 0
    with TemporaryFile("w+") as file:  # in memory, the counts would grow themselves
        for number in range(1, moments + 1):
            what = window.moment()
            faults = window.settle()
            faulty += bool(faults)
            extra()
            sizes = ""
            if number % EVERY == 0:
                window.clear()
                found = count()
                file.write(f"{json.dumps(found)}\n")
                sizes = " | ".join(f"{found[name]:.1f}" for name in SHOWN)
            told = f"{number} | {what} | {'; '.join(faults) or 'none'}"
            print(f"| {told} | {sizes} |", flush=True)
        file.seek(0)
        return trends([json.loads(line) for line in file]), faulty


def tell(found: dict[str, Trend], control: dict[str, Trend]) -> None:
    """Print a table of the numbers that grow, with or without this plugin."""
    print("\n| what | first | last | growth per count | at least | napari alone |")
    print("|---|---|---|---|---|---|")
    for name, one in found.items():
        if abs(one.slope) < LEAST:
            continue
        alone = f"{control[name].slope:+.3f}" if name in control else ""
        numbers = f"{one.first:.1f} | {one.last:.1f} | {one.slope:+.3f} | {one.least:+.3f}"
        print(f"| {name} | {numbers} | {alone} |")


def main() -> None:
    """Print numbers after each count, and what grew; exit with 1 if something did."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--moments", type=int, default=120)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--plant", type=float, default=0, help="MiB to keep after each moment")
    given = parser.parse_args()
    return_freed_memory()
    remember_nothing()
    kept: list[bytes] = []
    plant = int(given.plant * 2**20)
    print(f"commit {commit()}, napari {napari.__version__}")
    alone = Napari(given.seed)
    control, _ = watch(alone, given.moments // 2, lambda: None)
    window = OneWindow(given.seed)
    window.viewer = alone.viewer
    found, faulty = watch(window, given.moments, lambda: plant and kept.append(b"x" * plant))
    tell(found, control)
    growing = leaks(found, control)
    print(f"\ngrows: {', '.join(growing) or 'nothing'}; moments with faults: {faulty}")
    window.viewer.close()
    sys.exit(bool(growing or faulty))


if __name__ == "__main__":
    main()
