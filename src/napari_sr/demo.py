"""A demo: open napari with a sample image, upscale it with the form, and compare both images.

Run `python -m napari_sr.demo`. Without a display, it uses a virtual display and writes pictures.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from napari_sr.atomic_write import atomic_write

if TYPE_CHECKING:
    from napari import Viewer

    from napari_sr.widgets.upscale.form import UpscaleWidget

FOLDER = Path("demo-output")
"""The default folder of pictures."""
SAMPLE, SCALE = "tissue", 4
WINDOW = (1400, 860)
"""Width and height in screen pixels."""
ZOOM = 3.5
"""Zoom relative to the whole image, so that pixels are visible."""
PATIENCE = 300_000
"""Time limit of a demo without a user, in milliseconds; busy computers took more than 120 s."""


def main(screenshot: Path | None = None) -> int:
    """Run the demo and return the exit code.

    Parameters
    ----------
    screenshot : Path, optional
        Folder for a picture of the window and the upscaled image; the window closes afterwards.
        Without a display, the default is `demo-output`.
    """
    if not has_display():
        return _in_virtual_display(screenshot or FOLDER)
    return _Demo(screenshot).run()


def has_display() -> bool:
    """Return whether a window can be shown: on Linux, whether X or Wayland runs."""
    if not sys.platform.startswith("linux"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _in_virtual_display(folder: Path) -> int:
    starter = shutil.which("xvfb-run")
    if starter is None:
        _say("There is no display. The demo needs xvfb-run, which provides a virtual display.")
        _say("On Debian: apt-get install xvfb xauth")
        return 2
    command = [starter, "-a", "-s", "-screen 0 1600x1200x24", sys.executable]
    command += ["-m", "napari_sr.demo", "--screenshot", os.fspath(folder)]
    return subprocess.run(command, check=False).returncode


class _Demo:
    """One window with the form; `run` returns when it is closed.

    Parameters
    ----------
    folder : Path or None
        Folder for the pictures; None to leave the window open for the user.
    """

    def __init__(self, folder: Path | None) -> None:
        import napari

        from napari_sr.widgets.common.memory import remember_nothing

        remember_nothing()  # the demo shows default settings, and does not change the user's
        self._folder = folder
        self._code = 0
        self.viewer: Viewer = napari.Viewer(show_welcome_screen=False)
        self.viewer.window.resize(*WINDOW)
        self.widget = open_form(self.viewer)

    def run(self) -> int:
        import napari
        from qtpy.QtCore import QTimer

        self.widget.run_ended.connect(self._show)
        QTimer.singleShot(500, self.widget.form.run.click)
        if self._folder is not None:
            QTimer.singleShot(PATIENCE, self._give_up)
        napari.run()
        return self._code

    def _show(self) -> None:
        from qtpy.QtCore import QTimer

        self.widget.run_ended.disconnect(self._show)
        draw_slider(self.viewer, self.widget)
        if self._folder is not None:
            # canvas and forecast are drawn a moment later
            QTimer.singleShot(2500, self._write)

    def _write(self) -> None:
        folder = self._folder or FOLDER
        if len(self.viewer.layers) < 2:
            _say(f"The demo failed: {self.widget.form.status.text()}")
            self._code = 1
        else:
            for path in write_pictures(self.viewer, folder):
                _say(f"wrote {path.resolve()}")
        self.viewer.close()

    def _give_up(self) -> None:
        _say(f"The demo did not end within {PATIENCE // 1000} seconds")
        self._code = 1
        self.viewer.close()


def open_form(viewer: Viewer) -> UpscaleWidget:
    """Open the sample and the form, and choose the scale."""
    viewer.open_sample("napari-sr", SAMPLE)
    _, widget = viewer.window.add_plugin_dock_widget("napari-sr", "Upscale layer")
    form: UpscaleWidget = widget
    scales = form.form.model.scale
    scales.setCurrentIndex(scales.findData(SCALE))
    return form


def draw_slider(viewer: Viewer, widget: UpscaleWidget) -> None:
    """Zoom in, and draw the slider between source and result."""
    camera = viewer.scene.camera if hasattr(viewer, "scene") else viewer.camera
    camera.zoom *= ZOOM
    widget.compare.buttons["slider"].click()


def write_pictures(viewer: Viewer, folder: Path) -> list[Path]:
    """Write the whole window and the last layer's pixels as PNG; return the two paths."""
    from PIL import Image

    folder.mkdir(parents=True, exist_ok=True)
    window, result = folder / "window.png", folder / "upscaled.png"
    pictures = viewer.screenshot(canvas_only=False, flash=False), viewer.layers[-1].data
    for path, pixels in zip((window, result), pictures, strict=True):
        with atomic_write(path) as file:
            Image.fromarray(pixels).save(file, format="PNG")
    return [window, result]


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="napari-sr demo", description=__doc__)
    parser.add_argument(
        "--screenshot",
        type=Path,
        metavar="FOLDER",
        help="write pictures to this folder and close the window",
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main(_arguments().screenshot))
