"""Commands of the menu *Super-resolution* and of napari's command palette.

They open the form if necessary, and then operate it as a user would.
"""

from __future__ import annotations

from napari import Viewer  # noqa: TC002  # napari passes the viewer by this type
from napari.utils.notifications import show_info

from napari_sr.widgets.common.open_form import open_form
from napari_sr.widgets.upscale.region_chooser import VISIBLE

FORM = "Upscale layer"
"""Name of the form in `napari.yaml`."""


def upscale_visible_region(viewer: Viewer) -> None:
    """Upscale the visible part of the selected layer, with the settings of the form."""
    widget = open_form(viewer, FORM)
    if widget.is_running:
        show_info("A run is in progress: wait until it ends, or cancel it first.")
        return
    area = widget.form.region.area
    area.setCurrentText(VISIBLE)
    area.activated.emit(area.currentIndex())
    widget.check()
    if widget.form.run.isEnabled():
        widget.form.run.click()
    else:
        show_info(widget.form.status.text())


def toggle_preview(viewer: Viewer) -> None:
    """Preview the visible region, or end the preview."""
    open_form(viewer, FORM).form.preview.click()
