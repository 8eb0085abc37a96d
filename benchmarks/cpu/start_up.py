"""Time how long a user waits at the start: import, form, first run, later runs.

    xvfb-run -a python benchmarks/cpu/start_up.py --turns 3

Each turn is a separate process, in which OpenVINO has compiled nothing yet. The image is a sample
of 256 x 256 px, which is one tile for the default model, on a CPU. Processor time is shown beside
the time on the clock, because other work on the computer affects only the time on the clock.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

sys.path.append(str(Path(__file__).parents[1]))
from commit import commit  # the path comes first

if TYPE_CHECKING:
    from collections.abc import Callable

TARGETS: dict[str, float | None] = {
    "import napari_sr": 0.1,
    "form opens in napari": 0.3,
    "forecast is shown": None,
    "first run: first tile": 1.5,
    "first run: layer is added": None,
    "second run: first tile": 0.2,
    "second run: layer is added": None,
    "compiled: first tile": 0.2,
    "compiled: layer is added": None,
}
"""Seconds that each step may take. The engine is imported before the forecast is shown."""
SIDE = 256
PATIENCE = 120
"""Seconds after which a step counts as failed."""


class Steps:
    """Seconds of each step: time on the clock, and processor time."""

    def __init__(self) -> None:
        self.found: dict[str, tuple[float, float]] = {}
        self.start()

    def start(self) -> None:
        """Begin to time."""
        self._clock, self._processor = time.perf_counter(), time.process_time()

    def end(self, name: str) -> None:
        """Record the time since the start; later calls with the same name are ignored."""
        clock = time.perf_counter() - self._clock
        self.found.setdefault(name, (clock, time.process_time() - self._processor))


def inside() -> dict[str, tuple[float, float]]:
    """Do all steps in this process."""
    steps = Steps()
    __import__("napari_sr")
    steps.end("import napari_sr")
    import napari
    from qtpy.QtWidgets import QApplication
    from skimage.data import camera

    from napari_sr.engine.backends.loaded import wait_for_trials

    viewer = napari.Viewer(show_welcome_screen=False)
    viewer.add_image(camera()[:SIDE, :SIDE])
    QApplication.processEvents()
    steps.start()
    _, widget = viewer.window.add_plugin_dock_widget("napari-sr", "Upscale layer")
    QApplication.processEvents()
    steps.end("form opens in napari")
    wait_until(lambda: bool(widget.form.forecast.text()))
    steps.end("forecast is shown")

    def run(name: str) -> None:
        viewer.layers.selection.active = viewer.layers[0]
        wait_until(widget.form.run.isEnabled)
        count = len(viewer.layers)
        steps.start()
        widget.form.run.click()
        wait_until(lambda: len(viewer.layers) > count)
        steps.end(f"{name}: layer is added")

    doing = [""]
    widget.form.bar.valueChanged.connect(
        lambda done: steps.end(f"{doing[0]}: first tile") if done > 0 else None
    )
    for doing[0] in ("first run", "second run", "loading", "checking", "compiled"):
        run(doing[0])
        if doing[0] != "first run":
            wait_for_trials()
    viewer.close()
    return steps.found


def wait_until(ready: Callable[[], bool]) -> None:
    """Let the window handle events until `ready` returns true."""
    from qtpy.QtWidgets import QApplication

    end = time.monotonic() + PATIENCE
    while not ready():
        QApplication.processEvents()
        if time.monotonic() > end:
            raise TimeoutError(f"a step takes longer than {PATIENCE} s")
        time.sleep(0.001)


def turn() -> dict[str, tuple[float, float]]:
    """Do all steps in another process."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "NAPARI_SR_COMPILED": folder}
        ended = subprocess.run(
            [sys.executable, __file__, "--inside"],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
    if ended.returncode:
        raise RuntimeError(f"a turn ended with code {ended.returncode}:\n{ended.stderr[-2000:]}")
    found: dict[str, tuple[float, float]] = json.loads(ended.stdout.splitlines()[-1])
    return found


def main() -> None:
    """Measure, and print a table."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--turns", type=int, default=3)
    options.add_argument("--inside", action="store_true", help="do all steps in this process")
    given = options.parse_args()
    if given.inside:
        print(json.dumps(inside()))
        return
    turns = [turn() for _ in range(given.turns)]
    print(f"commit {commit()}; medians of {given.turns} turns, seconds")
    print("| step | clock | processor | target |\n|---|---|---|---|")
    for step, target in TARGETS.items():
        clock, processor = (median(found[step][which] for found in turns) for which in (0, 1))
        print(f"| {step} | {clock:.3f} | {processor:.3f} | {target or ''} |")


if __name__ == "__main__":
    main()
