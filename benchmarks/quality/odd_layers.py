"""Upscale unusual layers through the form in a real window, then disturb it at random moments.

    python benchmarks/quality/odd_layers.py
    python benchmarks/quality/odd_layers.py --moments 300 --seed 7
    python benchmarks/quality/odd_layers.py --only complex --moments 0

Run it on a display, or with xvfb-run -a -s "-screen 0 1366x768x24". Each layer is upscaled whole
and as the visible region. Pixels must equal those of `napari_sr.upscale`, and the corners of result
and source must coincide. If a layer cannot be upscaled, the form must say so in a sentence before
Run. Then `odd_moments.py` cancels, closes and deletes at random moments. The exit code is 1 if
anything is wrong.
"""

from __future__ import annotations

import argparse
import itertools
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import napari
import numpy as np
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest

import napari_sr
from napari_sr.widgets.common.memory import remember_nothing
from napari_sr.widgets.upscale.region_chooser import VISIBLE, WHOLE

sys.path.append(str(Path(__file__).parents[1]))
from commit import commit  # the path comes first
from odd_cases import Odd, layers
from odd_moments import disturb

if TYPE_CHECKING:
    from collections.abc import Callable

PATIENCE = 120
"""Seconds after which a run counts as failed."""
SCALE = 2


class Window:
    """A viewer with the docked form, operated as by a user."""

    def __init__(self) -> None:
        self.viewer = napari.Viewer(show_welcome_screen=False)
        self.viewer.window.resize(1300, 740)
        _, self.widget = self.viewer.window.add_plugin_dock_widget("napari-sr", "Upscale layer")
        self.form = self.widget.form
        self.form.choose({"model": "fsrcnn", "scale": SCALE, "engine": "PyTorch"})
        self.widget.check()

    def run(self, part: str) -> tuple[list[Any], str]:
        """Upscale a part; return the new layers and the form's message."""
        area, before = self.form.region.area, list(self.viewer.layers)
        area.setCurrentText(part)
        area.activated.emit(area.currentIndex())
        self.widget.check()
        wait(lambda: self.form.forecast.text() or not self.form.run.isEnabled())
        QTest.qWait(50)
        if self.form.run.isEnabled() and not self.form.output.in_folder:
            QTest.mouseClick(self.form.run, Qt.MouseButton.LeftButton)
            wait(self.form.run.isEnabled)
        said = f"{self.form.status.text()} {self.form.forecast.text()}".strip()
        return [layer for layer in self.viewer.layers if layer not in before], said


def wait(ready: Callable[[], Any]) -> None:
    """Handle events until `ready` returns true.

    Raises
    ------
    TimeoutError
        If this takes longer than `PATIENCE`.
    """
    began = time.monotonic()
    while not ready():
        QTest.qWait(5)
        if time.monotonic() - began > PATIENCE:
            raise TimeoutError(f"the form did not respond within {PATIENCE} s")


def rectangle(source: Any, result: Any) -> tuple[tuple[int, ...], list[tuple[int, int]]]:
    """Return which part of the source a result shows: first leading indices, rows and columns."""
    size = np.array(result.data.shape[: result.ndim])
    first = np.asarray(source.world_to_data(result.data_to_world(np.full(result.ndim, -0.5))))
    last = np.asarray(source.world_to_data(result.data_to_world(size - 0.5)))
    edges = np.rint(np.stack([first, last])[:, -2:] + 0.5).astype(int).T
    inner = source.world_to_data(result.data_to_world(np.zeros(result.ndim)))
    return tuple(np.rint(inner[:-2]).astype(int)), [(int(a), int(b)) for a, b in edges]


def misplaced(source: Any, result: Any, start: tuple[int, ...], spans: Any) -> str:
    """Return how far a result's corners are from its source's; "" if they coincide."""
    lengths = result.data.shape[: result.ndim - 2]
    corners = itertools.product(*((0, n - 1) for n in lengths), (0, 1), (0, 1))
    step = np.abs(np.asarray(source.scale)).max()
    sides = [b - a for a, b in spans]
    for corner in corners:
        *leading, down, right = corner
        place = [spans[0][down] - 0.5, spans[1][right] - 0.5]
        wanted = source.data_to_world([*np.add(leading, start), *place])
        own = [n * SCALE * i - 0.5 for n, i in zip(sides, (down, right), strict=True)]
        off = np.abs(np.subtract(result.data_to_world([*leading, *own]), wanted)).max()
        if off > 1e-6 * step:
            return f"corner {corner} is {off / step:.2g} pixels away"
    return "" if result.units == source.units else f"units {result.units}"


def wrong_pixels(source: Any, result: Any, start: tuple[int, ...], spans: Any) -> str:
    """Return how pixels differ from those of `napari_sr.upscale`; "" if they are equal."""
    data = source.data[0] if source.multiscale else source.data
    leading = source.ndim - 2
    span = tuple(slice(a, a + n) for a, n in zip(start, result.data.shape[:leading], strict=True))
    axes = "ABCTZ"[5 - leading :] + ("YXS" if source.rgb else "YX")
    narrow = source.rgb or np.dtype(data.dtype).itemsize == 1
    values = None if narrow else tuple(source.contrast_limits)
    options: dict[str, Any] = {"axes": axes, "engine": "torch", "value_range": values}
    wanted = napari_sr.upscale(data[span], scale=SCALE, region=tuple(spans), **options)
    if result.data.dtype != wanted.dtype or result.data.shape != wanted.shape:
        return f"{result.data.dtype} {result.data.shape}, not {wanted.dtype} {wanted.shape}"
    if np.array_equal(result.data, wanted, equal_nan=wanted.dtype.kind == "f"):
        return ""
    return f"pixels differ by up to {np.nanmax(np.abs(result.data - wanted.astype(float))):.3g}"


def outside(viewer: Any, source: Any, spans: Any, *, whole: bool) -> str:
    """Return how the upscaled region differs from the wanted one; "" if they are equal.

    Wanted is the whole layer, or what the canvas shows.
    """
    shape = (source.data[0] if source.multiscale else source.data).shape[: source.ndim]
    if whole:
        return "" if [stop for _, stop in spans] == [*shape[-2:]] else f"only {spans} of {shape}"
    camera, dims = viewer.scene.camera, viewer.dims
    half = np.array(viewer.canvas.size) / 2 / camera.zoom
    corners = [np.array(camera.center[-2:]) + half * s for s in itertools.product((-1, 1), (-1, 1))]
    points = np.tile(dims.point, (4, 1)).astype(float)
    points[:, list(dims.displayed)] = corners
    ratios = [(1 * a).to(b).magnitude for a, b in zip(dims.units, source.units, strict=False)]
    seen = np.array([source.world_to_data(point * ratios) for point in points])[:, -2:]
    for axis, (start, stop) in enumerate(spans):
        low, high = seen[:, axis].min(), seen[:, axis].max()
        length = shape[source.ndim - 2 + axis]
        wanted = max(0, round(low)), min(length, round(high) + 1)
        if abs(start - wanted[0]) > 1 or abs(stop - wanted[1]) > 1:
            return f"axis {axis} is {start} to {stop}, the canvas shows {low:.1f} to {high:.1f}"
    return ""


def judge(window: Window, odd: Odd, sources: list[Any], part: str) -> str:
    """Upscale a part of an unusual layer; return "FAULT: ..." or "ok: ..."."""
    new, said = window.run(part)
    words = odd.refused or (odd.whole if part == WHOLE else odd.part)
    if words:
        told = words.lower() in said.lower() and said[:1].isupper()
        return f"ok: {said}" if told and not new else f"FAULT: {len(new)} layers, says {said!r}"
    if len(new) != len(sources):
        return f"FAULT: {len(new)} results of {len(sources)}, says {said!r}"
    for source, result in zip(sources, new, strict=True):
        start, spans = rectangle(source, result)
        wrong = misplaced(source, result, start, spans) or wrong_pixels(
            source, result, start, spans
        )
        wrong = wrong or outside(window.viewer, source, spans, whole=part == WHOLE)
        if wrong:
            return f"FAULT: {wrong}"
    where = " and ".join(f"{a} to {b}" for a, b in spans)
    return f"ok: in place, pixels equal, rows and columns {where}"


def upscale_all(odds: list[Odd]) -> int:
    """Upscale each layer whole and in part; print a table, and return the number of faults."""
    window, faults = Window(), 0
    for odd in odds:
        window.viewer.layers.clear()
        QTest.qWait(100)  # napari 0.9.2 may crash if layers are added before it draws
        window.viewer.dims.ndisplay = 2
        try:
            added = window.viewer.add_image(odd.data(), name=odd.name, **odd.keywords)
        except (NotImplementedError, TypeError, ValueError) as error:
            print(f"| {odd.name} | | napari does not show it: {error!r} |", flush=True)
            continue
        sources = added if isinstance(added, list) else [added]
        window.viewer.layers.selection = set(sources)
        odd.prepare(window.viewer)
        there = list(window.viewer.layers)
        selected = set(window.viewer.layers.selection)
        for part in (WHOLE, VISIBLE):
            if part == VISIBLE:
                window.viewer.scene.camera.zoom *= 2.3
            try:
                outcome = judge(window, odd, sources, part)
            except Exception as error:  # noqa: BLE001  # the next layer is tried, too
                outcome = f"FAULT: {type(error).__name__}: {error}"
            faults += outcome.startswith("FAULT")
            print(f"| {odd.name} | {part} | {outcome} |", flush=True)
            for layer in [one for one in window.viewer.layers if one not in there]:
                window.viewer.layers.remove(layer)
            window.viewer.layers.selection = selected
    window.viewer.close()
    return faults


def main() -> None:
    """Print the outcome of each layer and of each action."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--moments", type=int, default=100, help="number of random actions")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="only layers whose name contains this")
    options = parser.parse_args()
    remember_nothing()
    print(f"commit {commit()}, napari {napari.__version__}")
    print("\n| layer | part | outcome |\n|---|---|---|")
    faults = upscale_all([odd for odd in layers() if options.only in odd.name])
    if options.moments:
        faults += disturb(options.moments, options.seed)
    print(f"\n{faults} faults")
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
