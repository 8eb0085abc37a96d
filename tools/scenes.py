"""What the pictures of docs/ show: each function prepares a window, and returns when all is shown.

It returns the widget to draw, or None for the whole window. `draw_pictures.py` calls them.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import numpy as np
from PIL import Image
from qtpy.QtTest import QTest
from scipy.ndimage import gaussian_filter

import napari_sr
from napari_sr import demo
from napari_sr.samples import camera, spots, tissue
from napari_sr.training.finetuning.pacing import Pacer
from napari_sr.widgets.common.layer_source import METADATA_KEY

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    import napari
    from numpy.typing import NDArray
    from qtpy.QtWidgets import QWidget

SIZE, HIGH, TABLE, NARROW = (1300, 740), (1060, 1190), (930, 700), (460, 420)
"""Width and height in screen pixels of a window, of a high one, of a table, of a form alone."""
PATIENCE = 600_000
"""Milliseconds after which a picture counts as failed."""
STEPS, MOST_JUDGED = 80, 8
"""Numbers of steps and of validations of the shown training runs."""


def upscale(viewer: napari.Viewer) -> None:
    """Show the slider of the demo, for the README."""
    widget = demo.open_form(viewer)
    widget.form.run.click()
    wait_for(lambda: len(viewer.layers) == 2 and widget._worker is None)
    demo.draw_slider(viewer, widget)
    wait_for(lambda: "Result" in widget.form.forecast.text())


def preview(viewer: napari.Viewer) -> None:
    """Show the preview of the visible region, with all settings."""
    (stack, arguments, _), *_ = spots()
    viewer.add_image(stack, **arguments)
    _, widget = viewer.window.add_plugin_dock_widget("napari-sr", "Upscale layer")
    form: Any = widget.form
    form.model.choose("microscope", 2)
    form.region.area.setCurrentIndex(1)
    form.region.area.activated.emit(1)
    form.more.open()
    camera_of(viewer).zoom *= 2.5
    form.preview.click()
    wait_for(lambda: len(viewer.layers) == 2 and "Result" in form.forecast.text())


def compare(viewer: napari.Viewer) -> None:
    """Show the slider on a shrunk sample, with figures and a profile."""
    truth, small = small_tissue()
    viewer.add_image(truth, **tissue()[0][1] | {"name": "original"})
    viewer.add_image(small, name="tissue", scale=(2, 2), translate=(0.5, 0.5))
    result = napari_sr.upscale(small, engine="torch")
    record = {METADATA_KEY: {"source": "tissue"}}
    viewer.add_image(result, name="tissue [FSRCNN x2]", metadata=record)
    _, widget = viewer.window.add_plugin_dock_widget("napari-sr", "Compare two layers")
    form: Any = widget.form
    form.reference.choose(viewer.layers["original"])
    form.draw.click()
    viewer.layers["profile"].add_lines(np.array([[92, 66], [112, 128]]))
    viewer.layers["profile"].mode = "pan_zoom"
    camera_of(viewer).zoom *= 1.6
    viewer.layers.selection.active = viewer.layers["tissue [FSRCNN x2]"]
    form.row.buttons["slider"].click()
    wait_for(lambda: bool(form.figures.text()) and form.plot.profile is not None)


def uncertainty(viewer: napari.Viewer) -> None:
    """Show the spread of a result beside the result, with the boxes that ask for it."""
    _, small = small_tissue()
    viewer.add_image(small[: len(small) // 2, : small.shape[1] // 2], name="tissue")
    _, widget = viewer.window.add_plugin_dock_widget("napari-sr", "Upscale layer")
    form: Any = widget.form
    form.model.choose("fsrcnn", 2)
    form.more.open()
    form.views.spread.setChecked(True)
    form.run.click()
    wait_for(lambda: len(viewer.layers) == 3 and widget._worker is None)
    viewer.layers.remove("tissue")
    viewer.grid.enabled = True
    viewer.reset_view()
    wait_for(lambda: "Result" in form.forecast.text())


def train(viewer: napari.Viewer) -> None:
    """Show a training run after its first validations."""
    viewer.window.resize(*HIGH)
    viewer.open_sample("napari-sr", "tissue")
    _, widget = viewer.window.add_plugin_dock_widget("napari-sr", "Train a network")
    form: Any = widget.form
    with patch.object(Pacer, "counts", paced):
        form.run.click()
        wait_for(lambda: len(form.psnr.points) > MOST_JUDGED // 2)


def paced(pacer: Pacer, stopped: object) -> Generator[Any, None, tuple[int, int]]:
    """Replace `Pacer.counts`: take the best steps, and as many of them on any computer."""
    pacer._take(pacer.sizes[0])
    yield from ()
    return STEPS, MOST_JUDGED


def train_noisy(viewer: napari.Viewer) -> None:
    """Show a training run from a noisy image alone, after its first validations."""
    viewer.window.resize(HIGH[0], HIGH[1] + 200)
    (stack, arguments, _), *_ = spots()
    light = np.asarray(stack, float)[len(stack) // 2]
    photons = np.random.default_rng(0).poisson(20 * light / light.max())
    viewer.add_image(photons.astype(np.float32), name="20 photons", contrast_limits=(0, 20),
                     colormap=arguments.get("colormap", "gray"))  # fmt: skip
    _, widget = viewer.window.add_plugin_dock_widget("napari-sr", "Train a network")
    form: Any = widget.form
    form.have.setCurrentIndex(1)
    form.have.activated.emit(1)
    with patch.object(Pacer, "counts", paced):
        form.run.click()
        wait_for(lambda: len(form.psnr.points) > MOST_JUDGED // 2)


def models(viewer: napari.Viewer) -> QWidget:
    """Show only the table, with one model selected."""
    dock, widget = viewer.window.add_plugin_dock_widget("napari-sr", "Models")
    wait_for(lambda: widget.form.table.model().rowCount() > 0)
    widget.form.table.select({"bsrn"})
    dock.setFloating(True)
    dock.resize(*TABLE)
    return widget


def resolution(viewer: napari.Viewer) -> None:
    """Show the resolution of an image of photon counts and of its result, with the curves."""
    viewer.window.resize(SIZE[0], HIGH[1] - 200)
    (stack, _, _), *_ = spots()
    clean = gaussian_filter(stack[0].astype(float), 2.0)
    counts = np.random.default_rng(0).poisson(clean / clean.max() * 300).astype(np.uint16)
    viewer.add_image(counts, name="photons", scale=(0.1, 0.1), units=("um", "um"))
    _, widget = viewer.window.add_plugin_dock_widget("napari-sr", "Upscale layer")
    form: Any = widget.form
    form.model.choose("microscope", 2)
    form.run.click()
    wait_for(lambda: len(viewer.layers) == 2 and widget._worker is None)
    viewer.window.remove_dock_widget(widget)
    _, widget = viewer.window.add_plugin_dock_widget("napari-sr", "Resolution")
    widget.gui.gain.value = 1
    widget.form.run.click()
    wait_for(lambda: widget._worker is None and bool(widget.table.native.rowCount()))


def folder(viewer: napari.Viewer) -> QWidget:
    """Show the form alone after a run over three images and a broken file."""
    pixels = camera()[0][0]
    dock, widget = viewer.window.add_plugin_dock_widget("napari-sr", "Upscale a folder")
    gui: Any = widget.gui
    with tempfile.TemporaryDirectory() as home, patch.dict(os.environ, HOME=home):
        plates = Path(home) / "plates"
        plates.mkdir()
        for number in range(3):
            part = pixels[40 * number : 40 * number + 64, :64]
            Image.fromarray(part).save(plates / f"field_{number + 1}.png")
        (plates / "field_4.png").write_bytes(b"broken")
        gui.source.line_edit.value, gui.target.line_edit.value = "~/plates", "~/larger"
        gui.pattern.value = "*.png"
        wait_for(widget.form.run.isEnabled)
        wait_for(lambda: bool(widget.count.text()))
        widget.form.run.click()
        wait_for(lambda: widget._worker is None and bool(widget.details.toPlainText()))
    return alone(dock, widget, NARROW[0], 740)


def measure(viewer: napari.Viewer) -> None:
    """Show what a result and its source have in two rectangles."""
    _, small = small_tissue()
    height, width = small.shape[:2]
    viewer.add_image(small, name="tissue")
    result = napari_sr.upscale(small, engine="torch")
    place = {"scale": (0.5, 0.5), "translate": (-0.25, -0.25)}
    record = {METADATA_KEY: {"source": "tissue"}}
    viewer.add_image(result, name="tissue [FSRCNN x2]", metadata=record, **place)
    corners = np.array([(0.2, 0.15), (0.45, 0.4)]), np.array([(0.5, 0.55), (0.8, 0.9)])
    boxes = [each * (height, width) for each in corners]
    look = {"edge_color": "white", "face_color": "transparent", "edge_width": 1}
    viewer.add_shapes(boxes, shape_type="rectangle", name="cells", **look)
    _, widget = viewer.window.add_plugin_dock_widget("napari-sr", "Measure two layers")
    widget.gui.rectangles.value = viewer.layers["cells"]
    widget.form.run.click()
    wait_for(lambda: widget._worker is None and bool(widget.table.native.rowCount()))


def check(viewer: napari.Viewer) -> None:
    """Show the map of a result that was changed in one place."""
    _, small = small_tissue()
    viewer.add_image(small, name="tissue")
    result = napari_sr.upscale(small, engine="torch")
    middle = tuple(side // 2 for side in result.shape[:2])
    spot = np.s_[middle[0] : middle[0] + 24, middle[1] : middle[1] + 24]
    result[spot] = np.maximum(result[spot].astype(int) - 40, 0)
    record = {METADATA_KEY: {"source": "tissue", "model": "FSRCNN x2"}}
    place = {"scale": (0.5, 0.5), "translate": (-0.25, -0.25)}
    viewer.add_image(result, name="tissue [FSRCNN x2]", metadata=record, **place)
    _, widget = viewer.window.add_plugin_dock_widget("napari-sr", "Check a result")
    widget.form.run.click()
    wait_for(lambda: len(viewer.layers) == 3 and widget._worker is None)


def offline(viewer: napari.Viewer) -> QWidget:
    """Show the form alone, with some models selected."""
    with patch.dict(os.environ, NAPARI_SR_CACHE="/home/ada/.cache/napari-sr"):
        dock, widget = viewer.window.add_plugin_dock_widget("napari-sr", "Download models")
        widget.gui.models.value = list(widget.gui.models.choices)[1:4]
        return alone(dock, widget, *NARROW)


def save(viewer: napari.Viewer) -> QWidget:
    """Show the form alone, with a result to save."""
    _, small = small_tissue()
    record = {METADATA_KEY: {"source": "tissue"}}
    viewer.add_image(small, name="tissue [FSRCNN x2]", metadata=record)
    dock, widget = viewer.window.add_plugin_dock_widget("napari-sr", "Save a layer")
    widget.gui.path.line_edit.value = "~/tissue_x2.ome.tif"
    return alone(dock, widget, NARROW[0], 260)


def alone(dock: Any, widget: QWidget, width: int, height: int) -> QWidget:
    """Show a form in a window of its own, of a size; return the form."""
    dock.setFloating(True)
    dock.resize(width, height)
    QTest.qWait(300)
    return widget


def small_tissue() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return a sample, and the same at half its size."""
    (truth, _, _), *_ = tissue()
    height, width = truth.shape[0] // 2, truth.shape[1] // 2
    small = truth.reshape(height, 2, width, 2, 3).mean((1, 3)).round().astype(np.uint8)
    return truth, small


def camera_of(viewer: napari.Viewer) -> Any:
    """Return the camera; since napari 0.9, it belongs to the scene."""
    return getattr(viewer, "scene", viewer).camera


def wait_for(ready: Callable[[], bool]) -> None:
    """Let Qt handle events until `ready` returns true.

    Raises
    ------
    TimeoutError
        If it takes longer than `PATIENCE`.
    """
    for _ in range(PATIENCE // 50):
        QTest.qWait(50)
        if ready():
            return
    raise TimeoutError(f"the picture was not ready within {PATIENCE / 1000:g} s")
