"""Commands of the menu *Super-resolution* and of napari's command palette.

They open the form if it is not open, and use it as a person would.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari import Viewer  # noqa: TC002  # napari passes the viewer by this type
from napari.utils.notifications import show_info

from napari_sr.widgets.upscale.region_chooser import VISIBLE

if TYPE_CHECKING:
    from napari_sr.widgets.upscale.form import UpscaleWidget


def upscale_visible_region(viewer: Viewer) -> None:
    """Upscale what the canvas shows of the selected layer, with the settings of the form."""
    widget = open_form(viewer)
    area = widget.form.region.area
    area.setCurrentText(VISIBLE)
    area.activated.emit(area.currentIndex())
    widget.check()
    if widget.form.run.isEnabled():
        widget.form.run.click()
    else:
        show_info(widget.form.status.text() or "A run is in progress: wait, or cancel it first.")


def toggle_preview(viewer: Viewer) -> None:
    """Preview what the canvas shows, or end the preview."""
    open_form(viewer).form.preview.click()


def open_form(viewer: Viewer) -> UpscaleWidget:
    """Return the form that upscales; open it if it is not open."""
    _, widget = viewer.window.add_plugin_dock_widget("napari-sr", "Upscale layer")
    form: UpscaleWidget = widget
    return form
