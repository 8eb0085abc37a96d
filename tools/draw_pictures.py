"""Draw the pictures of docs/ in a real window: `make pictures`, or this script with their names.

Each picture file contains an outline of the forms that it shows. tests/widgets/test_pictures.py
compares the outline with the present forms. It leaves out canvas, layer list and numbers.
"""

from __future__ import annotations

import json
import os
import re
import sys
import tempfile
import zlib
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import napari
import numpy as np
from napari.components import ViewerModel
from npe2 import PluginManifest
from PIL import Image, PngImagePlugin
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import (
    QAbstractButton,
    QAbstractSpinBox,
    QComboBox,
    QLabel,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QTableView,
    QWidget,
)
from scipy.ndimage import gaussian_filter

import napari_sr
from napari_sr import demo
from napari_sr.samples import spots, tissue
from napari_sr.widgets.common.icons import DRAWINGS, PROPERTY
from napari_sr.widgets.common.label import WrappedLabel
from napari_sr.widgets.common.layer_source import METADATA_KEY
from napari_sr.widgets.common.memory import remember_nothing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from qtpy.QtWidgets import QLayout

ROOT = Path(__file__).parents[1]
IMAGES = ROOT / "docs" / "images"
SIZE, HIGH, TABLE = (1300, 740), (1060, 1190), (930, 700)
"""Width and height in screen pixels of a window, of a high window, and of the table."""
COLOURS = 256
"""Number of colours of a picture; few colours make small files."""
PATIENCE = 120_000
"""Milliseconds after which a picture counts as failed."""
_HORIZONTAL = Qt.Orientation.Horizontal
OUTLINE = "napari-sr outline"
"""Key of the outline in a picture's file."""
EMPTIED = "NAPARI_SR_CACHE", "NAPARI_SR_NETWORKS", "NAPARI_SR_COMPILED"
"""Environment variables of folders whose content must not appear in pictures."""
UPSCALE, COMPARE, TRAIN, MODELS, RESOLUTION = (
    f"napari-sr.{form}" for form in ("upscale", "compare", "train", "models", "resolution")
)
"""Commands of `napari.yaml` that open the forms."""


@dataclass(frozen=True)
class Picture:
    """A picture of a window."""

    draw: Callable[[napari.Viewer], QWidget | None]
    """Prepares the window; returns the widget to draw, or None for the whole window."""
    forms: tuple[str, ...]
    """Commands that open the forms that the picture shows."""


def upscale(viewer: napari.Viewer) -> None:
    """Show the slider of the demo, for the README."""
    widget = demo.open_form(viewer)
    widget.form.run.click()
    wait_for(lambda: len(viewer.layers) == 2 and widget._worker is None)
    demo.draw_slider(viewer, widget)
    QTest.qWait(1500)  # until the forecast is shown


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
    wait_for(lambda: len(viewer.layers) == 2 and bool(form.forecast.text()))


def compare(viewer: napari.Viewer) -> None:
    """Show the slider on a shrunk sample, with figures and a profile."""
    (truth, arguments, _), *_ = tissue()
    height, width = truth.shape[0] // 2, truth.shape[1] // 2
    small = truth.reshape(height, 2, width, 2, 3).mean((1, 3)).round().astype(np.uint8)
    viewer.add_image(truth, **arguments | {"name": "original"})
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
    (truth, _, _), *_ = tissue()
    height, width = truth.shape[0] // 2, truth.shape[1] // 2
    small = truth.reshape(height, 2, width, 2, 3).mean((1, 3)).round().astype(np.uint8)
    viewer.add_image(small[: height // 2, : width // 2], name="tissue")
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
    QTest.qWait(1500)  # the forecast


def train(viewer: napari.Viewer) -> None:
    """Show a training after its first validations."""
    viewer.window.resize(*HIGH)
    viewer.open_sample("napari-sr", "tissue")
    _, widget = viewer.window.add_plugin_dock_widget("napari-sr", "Train a network")
    form: Any = widget.form
    form.minutes.setValue(1)
    form.run.click()
    wait_for(lambda: len(form.psnr.points) > 4 and 3 * form.bar.value() > form.bar.maximum())


def models(viewer: napari.Viewer) -> QWidget:
    """Show only the table, with one model selected."""
    dock, widget = viewer.window.add_plugin_dock_widget("napari-sr", "Models")
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


PICTURES = {
    "upscale": Picture(upscale, (UPSCALE,)),
    "preview": Picture(preview, (UPSCALE,)),
    "uncertainty": Picture(uncertainty, (UPSCALE,)),
    "compare": Picture(compare, (COMPARE,)),
    "train": Picture(train, (TRAIN,)),
    "models": Picture(models, (MODELS,)),
    "resolution": Picture(resolution, (RESOLUTION,)),
}


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


# outlines of forms


def outlines(commands: tuple[str, ...]) -> dict[str, list[str]]:
    """Return the outlines of forms without layers, by the commands that open the forms."""
    found = {}
    for command in commands:
        form = opened(command)
        found[command] = list(outline(form))
        form._leave()
    return found


def opened(command: str) -> Any:
    """Return the form that a command of `napari.yaml` opens, without a window."""
    manifest = PluginManifest.from_file(ROOT / "napari.yaml")
    (name,) = (one.python_name for one in manifest.contributions.commands if one.id == command)
    module, _, factory = name.partition(":")
    return getattr(import_module(module), factory)(ViewerModel())


def outline(form: QWidget) -> Iterator[str]:
    """Yield a line for each text, icon and plot of a form, from top to bottom.

    Numbers are left out, because they depend on the machine.
    """
    for widget in inside(form):
        if texts := [text for text in drawn(widget) if text]:
            hidden = "" if widget.isVisibleTo(form) else " (hidden)"
            yield re.sub(r"\d[\d.,]*", "#", f"{kind(widget)}: {' | '.join(texts)}{hidden}")


def inside(widget: QWidget) -> Iterator[QWidget]:
    """Yield the widgets inside a widget, in the order of its layouts."""
    if isinstance(widget, QScrollArea):
        children = [widget.widget()]
    else:
        layout = widget.layout()
        children = [] if layout is None else list(laid_out(layout))
    for child in children:
        yield child
        yield from inside(child)


def laid_out(layout: QLayout) -> Iterator[QWidget]:
    """Yield the widgets of a layout and of the layouts inside it."""
    for index in range(layout.count()):
        item = layout.itemAt(index)
        if item.widget() is not None:
            yield item.widget()
        elif item.layout() is not None:
            yield from laid_out(item.layout())


def drawn(widget: QWidget) -> list[str]:
    """Return the texts that a widget shows, and a checksum of its icon."""
    if isinstance(widget, QAbstractButton):
        icon = widget.property(PROPERTY)
        menu = widget.menu() if isinstance(widget, QPushButton) else None
        entries = [] if menu is None else [action.text() for action in menu.actions()]
        checksum = f"icon {icon} {zlib.crc32(DRAWINGS[icon].encode()):x}" if icon else ""
        return [widget.text(), *entries, checksum]
    if isinstance(widget, WrappedLabel | QLabel | QAbstractSpinBox):
        return [widget.text()]
    if isinstance(widget, QComboBox):
        return [widget.currentText()]
    if isinstance(widget, QLineEdit):
        return [widget.placeholderText()]
    if isinstance(widget, QTableView):
        model = widget.model()
        return [str(model.headerData(at, _HORIZONTAL)) for at in range(model.columnCount())]
    return [type(widget).__name__] if "paintEvent" in vars(type(widget)) else []


def kind(widget: QWidget) -> str:
    """Return the name of the Qt class from which a widget inherits."""
    found = widget.metaObject()
    while not found.className().startswith("Q"):
        found = found.superClass()
    return found.className()


def draw(name: str) -> Path:
    """Draw a picture in a new window, and return its path."""
    viewer = napari.Viewer(show_welcome_screen=False)
    viewer.theme = "dark"
    viewer.window.resize(*SIZE)
    part = PICTURES[name].draw(viewer)
    QTest.qWait(500)
    path = IMAGES / f"{name}.png"
    if part is None:
        viewer.screenshot(path, canvas_only=False, flash=False)
    else:
        part.grab().save(str(path))
    viewer.close()
    picture = Image.open(path).convert("RGB").quantize(COLOURS, kmeans=2)
    notes = PngImagePlugin.PngInfo()
    notes.add_text(OUTLINE, json.dumps(outlines(PICTURES[name].forms)), zip=True)
    picture.save(path, optimize=True, pnginfo=notes)
    return path


def main(names: list[str]) -> None:
    """Draw the named pictures, or all; hide models that this machine downloaded or trained."""
    remember_nothing()
    with tempfile.TemporaryDirectory() as empty:
        os.environ |= dict.fromkeys(EMPTIED, empty) | {"NAPARI_SR_ENGINE": "torch"}
        for name in names or list(PICTURES):
            sys.stdout.write(f"wrote {draw(name)}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
