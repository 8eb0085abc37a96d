"""Draw the pictures of docs/ in a real window: python tools/draw_pictures.py [NAME ...].

Without a display, run it in a virtual one: xvfb-run -a -s "-screen 0 1366x768x24" python ...
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import napari
import numpy as np
from PIL import Image
from qtpy.QtTest import QTest

import napari_sr
from napari_sr.samples import tissue
from napari_sr.widgets.common.layer_source import METADATA_KEY

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_sr.widgets.compare.form import CompareWidget

IMAGES = Path(__file__).parents[1] / "docs" / "images"
SIZE = (1300, 740)
"""Width and height of the window in screen pixels."""
PATIENCE = 30_000
"""Milliseconds after which a picture is given up."""


def compare(viewer: napari.Viewer) -> None:
    """Show the slider over a sample that was made small, with figures and a profile."""
    (truth, arguments, _), *_ = tissue()
    height, width = truth.shape[0] // 2, truth.shape[1] // 2
    small = truth.reshape(height, 2, width, 2, 3).mean((1, 3)).round().astype(np.uint8)
    viewer.add_image(truth, **arguments | {"name": "original"})
    viewer.add_image(small, name="tissue", scale=(2, 2), translate=(0.5, 0.5))
    result = napari_sr.upscale(small, engine="torch")
    record = {METADATA_KEY: {"source": "tissue"}}
    viewer.add_image(result, name="tissue [FSRCNN x2]", metadata=record)
    _, form = viewer.window.add_plugin_dock_widget("napari-sr", "Compare two layers")
    widget: CompareWidget = form
    widget.form.reference.choose(viewer.layers["original"])
    widget.form.draw.click()
    viewer.layers["profile"].add_lines(np.array([[92, 66], [112, 128]]))
    viewer.layers["profile"].mode = "pan_zoom"
    camera = getattr(viewer, "scene", viewer).camera
    camera.zoom *= 1.6
    viewer.layers.selection.active = viewer.layers["tissue [FSRCNN x2]"]
    widget.form.row.buttons["slider"].click()
    wait_for(lambda: bool(widget.form.figures.text()) and widget.form.plot.profile is not None)


PICTURES = {"compare": compare}
"""Functions that prepare a viewer, by the name of the picture."""


def wait_for(ready: Callable[[], bool]) -> None:
    """Let Qt work until something is ready.

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


def draw(name: str) -> Path:
    """Draw a picture in a window of its own, and return its path."""
    viewer = napari.Viewer(show_welcome_screen=False)
    viewer.theme = "dark"
    viewer.window.resize(*SIZE)
    PICTURES[name](viewer)
    QTest.qWait(500)
    pixels = viewer.screenshot(canvas_only=False, flash=False)
    viewer.close()
    path = IMAGES / f"{name}.png"
    Image.fromarray(pixels[..., :3]).save(path, optimize=True)
    return path


def main(names: list[str]) -> None:
    """Draw the named pictures, or all."""
    for name in names or list(PICTURES):
        sys.stdout.write(f"wrote {draw(name)}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
