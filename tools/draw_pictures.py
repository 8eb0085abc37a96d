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
import scenes
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

from napari_sr.widgets.common.icons import DRAWINGS, PROPERTY
from napari_sr.widgets.common.label import WrappedLabel
from napari_sr.widgets.common.memory import remember_nothing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from qtpy.QtWidgets import QLayout

ROOT = Path(__file__).parents[1]
IMAGES = ROOT / "docs" / "images"
COLOURS = 256
"""Number of colours of a picture; few colours make small files."""
_HORIZONTAL = Qt.Orientation.Horizontal
OUTLINE = "napari-sr outline"
"""Key of the outline in a picture's file."""
EMPTIED = "NAPARI_SR_CACHE", "NAPARI_SR_NETWORKS", "NAPARI_SR_COMPILED"
"""Environment variables of folders whose content must not appear in pictures."""


@dataclass(frozen=True)
class Picture:
    """A picture of a window."""

    draw: Callable[[napari.Viewer], QWidget | None]
    """Prepares the window; returns the widget to draw, or None for the whole window."""
    forms: tuple[str, ...]
    """Commands of `napari.yaml` that open the forms that the picture shows."""


PICTURES = {
    "upscale": Picture(scenes.upscale, ("napari-sr.upscale",)),
    "preview": Picture(scenes.preview, ("napari-sr.upscale",)),
    "uncertainty": Picture(scenes.uncertainty, ("napari-sr.upscale",)),
    "compare": Picture(scenes.compare, ("napari-sr.compare",)),
    "train": Picture(scenes.train, ("napari-sr.train",)),
    "train_noisy": Picture(scenes.train_noisy, ("napari-sr.train",)),
    "models": Picture(scenes.models, ("napari-sr.models",)),
    "resolution": Picture(scenes.resolution, ("napari-sr.resolution",)),
    "folder": Picture(scenes.folder, ("napari-sr.folder",)),
    "measure": Picture(scenes.measure, ("napari-sr.measure",)),
    "check": Picture(scenes.check, ("napari-sr.check",)),
    "offline": Picture(scenes.offline, ("napari-sr.prefetch",)),
    "save": Picture(scenes.save, ("napari-sr.save",)),
}


# outlines of forms


def outlines(commands: tuple[str, ...]) -> dict[str, list[str]]:
    """Return the outlines of forms without layers, by the commands that open the forms."""
    found = {}
    for command in commands:
        form = opened(command)
        more = getattr(getattr(form, "form", None), "more", None)
        if more is not None:
            more.open()  # before, its fields have no place in the layout
            more.open(False)
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
    viewer.window.resize(*scenes.SIZE)
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
