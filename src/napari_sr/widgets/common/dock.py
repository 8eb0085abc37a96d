"""What forms that run something in a dock have in common: one run at a time, and an orderly end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari.utils.notifications import notification_manager, show_error, show_warning
from qtpy.QtCore import QEvent, Signal
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_sr.runs.words import error_in_words
from napari_sr.widgets.common.download import may_download
from napari_sr.widgets.common.focus import focus_style
from napari_sr.widgets.common.worker import ActivityBar, RunWorker, forget_locals

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari.components import ViewerModel

    from napari_sr.runs.job import Step
    from napari_sr.runs.model import ModelReference
    from napari_sr.widgets.common.label import WrappedLabel


class RunningForm(QWidget):
    """A form beside a viewer, whose run ends when its dock is closed.

    Parameters
    ----------
    napari_viewer : ViewerModel
        Whose selected layer it follows.
    form : QWidget
        Its fields.
    status : WrappedLabel
        The form's line that says what happens.
    """

    run_ended = Signal()
    """A run is over: done, failed or cancelled."""

    def __init__(self, napari_viewer: ViewerModel, form: QWidget, status: WrappedLabel) -> None:
        super().__init__()
        self._viewer = napari_viewer
        self._status = status
        self._worker: RunWorker | None = None
        self._bar: ActivityBar | None = None
        self._gone = False
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(form)
        self._form = form
        self._wear_theme()
        napari_viewer.events.theme.connect(self._wear_theme)

    def _wear_theme(self, event: object = None) -> None:
        """Show the keyboard's focus in the colours of the viewer's theme."""
        self._form.setStyleSheet(focus_style(self._viewer.theme))

    def _follow_selection(self, event: object = None) -> None:
        """Take note of the selected layer."""

    def _let_go(self) -> None:
        """Listen to nothing any more: the dock is closed."""

    def _may_download(self, model: ModelReference) -> bool:
        """Ask whether to download what is missing of a model; say whether the run may start."""
        # the question lets Qt handle events: the dock may be closed meanwhile
        return all(may_download(entry, self) and not self._gone for entry in model.missing)

    def _launch(self, worker: RunWorker, name: str, cancel: Callable[[], object]) -> None:
        """Start a worker, with a bar of this name whose button cancels; a slot's last statement."""
        self._worker = worker
        # where the window dies with the widget in it, no event tells
        self.destroyed.connect(worker.quit)
        worker.start()
        bar = ActivityBar(name, cancel)
        # making the bar let Qt handle events: the run may be over
        if self._worker is worker:
            self._bar = bar
        else:
            bar.close()

    def _tell_bar(self, step: Step) -> None:
        """Show in the bar how far it is, which lets Qt handle events: a slot's last statement."""
        if self._bar is not None:
            self._bar.show(step)

    def _ended(self) -> None:
        """Take note that the worker has finished."""
        self._worker = None
        bar, self._bar = self._bar, None
        if bar is not None:
            bar.close()

    def _show_error(self, error: Exception) -> None:
        self._status.say(error_in_words(error))
        forget_locals(error)  # napari keeps every notification
        if isinstance(error, ValueError):
            show_error(str(error))
        else:
            # with a button that shows where it came from
            notification_manager.receive_error(type(error), error, error.__traceback__)

    def _show_warning(self, details: tuple[Any, ...]) -> None:
        message, category = details[:2]
        if category.__module__.startswith("napari_sr."):
            show_warning(str(message))

    def event(self, event: QEvent | None) -> bool:
        """Leave when the dock is closed, which does no more than take the parent away."""
        left = event is not None and event.type() == QEvent.Type.ParentChange
        if left and self.parent() is None:
            self._leave()
        handled: bool = super().event(event)
        return handled

    def _leave(self) -> None:
        if self._gone:
            return
        self._gone = True
        if self._worker is not None:
            self._worker.quit()
        if self._bar is not None:
            self._bar.close()
        self._let_go()
        self._viewer.events.theme.disconnect(self._wear_theme)
        self._viewer.layers.selection.events.active.disconnect(self._follow_selection)
        self.deleteLater()
