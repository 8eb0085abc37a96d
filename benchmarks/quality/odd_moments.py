"""Disturb the plugin at random moments: cancel, close, delete, switch; then check strictly.

Called by `odd_layers.py`. After each action, nothing may remain of what was closed or cancelled: no
thread, no widget, no layer, no error in Qt's event loop, and no button that stays disabled.
"""

from __future__ import annotations

import random
import tempfile
import time
import weakref
from pathlib import Path
from typing import Any

import napari
import numpy as np
from odd_checks import Checks, growth_of, plain_windows, resident
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from skimage import data

from napari_sr.widgets.common.layer_source import is_preview
from napari_sr.widgets.common.open_form import open_form
from napari_sr.widgets.upscale.region_chooser import VISIBLE, WHOLE

GROWTH = 10.0
"""Allowed growth of the resident size per window, in MiB, in addition to napari's own growth."""
MODELS = (("fsrcnn", 2), ("fsrcnn", 4), ("fsrcnn", 3), ("edsr-slim", 2))


class Moments(Checks):
    """A viewer, and the random actions on it."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.chance = random.Random(seed)
        self.folder = Path(tempfile.mkdtemp())

    # preparation

    def prepare(self) -> None:
        """Open what the last action closed."""
        if self.viewer is None:
            self.viewer = napari.Viewer(show_welcome_screen=False)
            self.viewer.window.resize(1300, 740)
        if self.widget is None:
            self.widget = open_form(self.viewer, "Upscale layer")
            self.widget.form.choose({"engine": "PyTorch"})  # without trials in other processes
        layers = self.viewer.layers
        while len(layers) > 6:
            layers.pop()
            QTest.qWait(100)  # napari 0.9.2 may crash if others are added before it draws
        for number in range(3 - sum(not is_preview(layer) for layer in layers)):
            side = self.chance.choice((48, 96, 128))
            pixels = np.ascontiguousarray(data.camera()[:side, :side])
            layers.append(napari.layers.Image(pixels, name=f"image {number}"))
        if "box" not in layers:
            box = [np.array([(5, 5), (40, 50)])]
            self.viewer.add_shapes(box, shape_type="rectangle", name="box")
        layers.selection.active = self.image()

    def image(self) -> Any:
        """Return one of the image layers."""
        images = [one for one in self.viewer.layers if isinstance(one, napari.layers.Image)]
        images = [one for one in images if not is_preview(one)]
        return self.chance.choice(images) if images else None

    # actions of a user

    def start_run(self) -> None:
        """Run a random part with a random model, in memory or into a folder."""
        self.switch_model()
        form = self.widget.form
        for box, words in (
            (form.region.area, self.chance.choice((WHOLE, WHOLE, VISIBLE, "shape in box"))),
            (
                form.output.kind,
                self.chance.choice((form.output.kind.itemText(0),) * 3 + ("OME-Zarr folder",)),
            ),
        ):
            box.setCurrentText(words)
            box.activated.emit(box.currentIndex())
        path = self.folder / f"{time.monotonic_ns()}.ome.zarr"
        form.output.path.setText(str(path))
        self.widget.check()
        self.click(form.run)

    def run_queue(self) -> None:
        """Run several selected layers one after the other."""
        images = [one for one in self.viewer.layers if isinstance(one, napari.layers.Image)]
        self.viewer.layers.selection = {one for one in images if not is_preview(one)}
        self.start_run()

    def switch_model(self) -> None:
        """Choose another model."""
        model, scale = self.chance.choice(MODELS)
        form = self.widget.form.model
        form.choose(model)
        form.scale.setCurrentIndex(max(form.scale.findData(scale), 0))
        form.scale.activated.emit(form.scale.currentIndex())

    def preview(self) -> None:
        """Switch the preview on or off."""
        self.click(self.widget.form.preview)

    def pan(self) -> None:
        """Zoom and move the camera."""
        camera = self.viewer.scene.camera
        camera.zoom *= self.chance.choice((0.5, 2))
        camera.center = (0, self.chance.uniform(0, 300), self.chance.uniform(0, 300))

    def grid(self) -> None:
        """Switch napari's grid on or off."""
        self.viewer.canvas.grid.enabled = not self.viewer.canvas.grid.enabled

    def cancel(self) -> None:
        """Press Cancel."""
        self.click(self.widget.form.stop)

    def delete_layer(self) -> None:
        """Delete any layer: an image, a result, the preview, the shapes."""
        layer = self.chance.choice(list(self.viewer.layers))
        self.gone.append((f"the layer {layer.name}", weakref.ref(layer)))
        self.viewer.layers.remove(layer)

    def delete_all(self) -> None:
        """Delete all layers."""
        self.gone += [(f"the layer {one.name}", weakref.ref(one)) for one in self.viewer.layers]
        self.viewer.layers.clear()

    def change_pixels(self) -> None:
        """Change pixels in place, or replace them."""
        layer = self.image()
        if layer is not None and isinstance(layer.data, np.ndarray):
            layer.data[:5] = 7
            layer.refresh()

    def compare(self) -> None:
        """Press one of the buttons that compare, if they are shown."""
        buttons = list(self.widget.compare.buttons.values())
        if self.widget.compare.isVisible():
            self.click(self.chance.choice(buttons))

    def other_form(self) -> None:
        """Open another form of the plugin, or close it."""
        name = self.chance.choice(("Models", "Compare two layers", "Train a network"))
        titles = [title for title in self.viewer.window.dock_widgets if title.startswith(name)]
        if titles:
            self._forget(self.viewer.window.dock_widgets[titles[0]])
            self.viewer.window.remove_dock_widget(self.viewer.window.dock_widgets[titles[0]])
        else:
            open_form(self.viewer, name)

    def close_dock(self) -> None:
        """Close the form's dock."""
        self._forget(self.widget)
        self.viewer.window.remove_dock_widget(self.widget)
        self.widget = None

    def close_viewer(self) -> None:
        """Close the window, and keep a reference to a layer, as a script may do."""
        self.kept = self.image()
        for widget in self.viewer.window.dock_widgets.values():
            self._forget(widget)
        self.viewer.close()
        self.viewer = self.widget = None

    def _forget(self, widget: Any) -> None:
        inner = getattr(widget, "inner_widget", lambda: widget)()
        self.gone.append((type(inner).__name__, weakref.ref(inner)))

    def click(self, button: Any) -> None:
        """Click on a button."""
        QTest.mouseClick(button, Qt.MouseButton.LeftButton)

    # one step of the test

    def moment(self) -> str:
        """Start something, and disturb it after a random time; return what was done."""
        self.prepare()
        begin = self.chance.choice(
            (
                self.start_run,
                self.start_run,
                self.run_queue,
                self.preview,
                self.pan,
                self.other_form,
            )
        )
        others = (self.switch_model, self.run_queue, self.change_pixels, self.grid, self.compare)
        ends = (self.cancel, self.close_dock, self.delete_layer, self.close_viewer, self.delete_all)
        disturb = self.chance.choice((*ends, *ends, *others, self.preview, self.other_form))
        begin()
        QTest.qWait(self.chance.choice((0, 1, 20, 100, 250, 500, 900)))
        if self.widget is not None:
            disturb()
        return f"{begin.__name__}, {disturb.__name__}"


def disturb(count: int, seed: int) -> int:
    """Print each action and its problems; return the number of problems."""
    moments, faults, sizes = Moments(seed), 0, []
    print("\n| moment | what | faults |\n|---|---|---|")
    for number in range(count):
        what = moments.moment()
        problems = moments.settle()
        faults += len(problems)
        print(f"| {number} | {what} | {'; '.join(problems) or 'none'} |", flush=True)
        if moments.viewer is None:
            sizes.append(resident())
    if moments.viewer is not None:
        moments.close_viewer()
        faults += len(moments.settle())
    growth, plain = growth_of(sizes), plain_windows(8)
    print(f"\nresident size after windows were closed: {[round(size) for size in sizes]} MiB")
    print(f"growth per window: {growth:.1f} MiB; without this plugin: {plain:.1f} MiB")
    return faults + (growth > plain + GROWTH)
