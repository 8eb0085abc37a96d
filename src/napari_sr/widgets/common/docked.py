"""A form in a dock: it follows theme and font size, and ends when its dock is closed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari.settings import get_settings
from qtpy.QtCore import QEvent, QTimer
from qtpy.QtWidgets import QMainWindow, QVBoxLayout, QWidget

from napari_sr.widgets.common.focus import form_style
from napari_sr.widgets.common.layer_list import guard_removals
from napari_sr.widgets.common.preload import preload_forms
from napari_sr.widgets.common.scroll import ScrolledForm

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from qtpy.QtGui import QShowEvent

REST = 500
"""Milliseconds after which a form that was shown is surely painted."""


class DockedForm(QWidget):
    """A form in a dock.

    Parameters
    ----------
    viewer : ViewerModel
        The viewer.
    fields : QWidget
        The fields of the form.
    """

    def __init__(self, viewer: ViewerModel, fields: QWidget) -> None:
        super().__init__()
        self._viewer = viewer
        self._fields = fields
        self._closed = self._filled = False
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(fields)
        if not hasattr(viewer, "window"):
            self._fill()
        guard_removals(viewer)
        viewer.events.theme.connect(self._apply_theme)
        get_settings().appearance.events.font_size.connect(self._apply_theme)

    def _end_with_dock(self) -> None:
        """End the run, and disconnect from the events of layers; forms override this."""

    def _fill(self) -> None:
        """Style the form, then show its fields, so that Qt styles these only once."""
        if self._filled:
            return
        self._filled = True
        self._apply_theme()
        if isinstance(self._fields, ScrolledForm):
            self._fields.fill()

    def _apply_theme(self, event: object = None) -> None:
        """Style the form with the colours of the viewer's theme and napari's font size."""
        points = int(get_settings().appearance.font_size)
        self._fields.setStyleSheet(form_style(self._viewer.theme, points))

    def showEvent(self, event: QShowEvent | None) -> None:  # noqa: N802  # Qt's name
        """Prepare the other forms, once this one is painted."""
        self._fill()
        super().showEvent(event)
        QTimer.singleShot(REST, preload_forms)

    def event(self, event: QEvent | None) -> bool:
        """End the form when it loses its parent: this is how Qt shows that its dock was closed."""
        left = event is not None and event.type() == QEvent.Type.ParentChange
        if left and self.parent() is None:
            self._leave()
        handled: bool = super().event(event)
        # a dock has no style sheet until it is in a window
        styled = event is not None and event.type() == QEvent.Type.StyleChange
        if styled and isinstance(self.window(), QMainWindow):
            self._fill()
        return handled

    def _leave(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._end_with_dock()
        self._viewer.events.theme.disconnect(self._apply_theme)
        get_settings().appearance.events.font_size.disconnect(self._apply_theme)
        self.deleteLater()
