"""Behaviour that forms share: check fields, run one task at a time, end with the dock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari.utils.notifications import notification_manager, show_error, show_warning
from qtpy.QtCore import Signal

from napari_sr.runs.spelling import as_fields
from napari_sr.runs.words import error_in_words
from napari_sr.widgets.common.docked import DockedForm
from napari_sr.widgets.common.download import may_download
from napari_sr.widgets.common.preferences import use_cache_folder
from napari_sr.widgets.common.worker import ActivityBar, RunWorker, create_run, forget_locals
from napari_sr.zoo.download import DownloadError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

    from napari.components import ViewerModel

    from napari_sr.runs.job import Step
    from napari_sr.runs.model import ModelReference
    from napari_sr.widgets.common.fields import TaskFields

EXPLAINED = ValueError, DownloadError
"""Errors whose message says what to do, so that nobody needs their traceback."""


class RunningForm(DockedForm):
    """A form in a dock. It runs one task at a time; closing the dock ends the run.

    Parameters
    ----------
    napari_viewer : ViewerModel
        The viewer; the form follows its selected layer.
    form : TaskFields
        The fields.
    """

    run_ended = Signal()
    """Emitted when a run has finished, failed or been cancelled."""

    def __init__(self, napari_viewer: ViewerModel, form: TaskFields) -> None:
        super().__init__(napari_viewer, form)
        use_cache_folder()
        self._fields: TaskFields = form
        self._problem: str | None = None
        self._worker: RunWorker | None = None
        self._bar: ActivityBar | None = None
        self._pausing = False
        if form.pause is not None:
            form.pause.clicked.connect(self._toggle_pause)
        napari_viewer.layers.selection.events.active.connect(self._follow_selection)

    # methods that each form defines

    def _offer_layers(self) -> None:
        """List the image layers."""

    def _follow_selection(self, event: object = None) -> None:
        """React when another layer is selected."""

    def _refresh(self) -> None:
        """Mark the wrong fields, and say what is wrong."""

    def _show_progress(self, step: Any) -> None:
        """Show the progress that a run yielded: a `Step`, unless a form overrides this method."""
        self._fields.show_progress(step.done, step.total)
        if self._worker is not None and not self._worker.abort_requested:
            self._fields.status.say(step.doing)
        self._update_bar(step)

    def _cancel(self) -> None:
        """Ask the run to end."""
        if self._worker is not None:
            self._worker.quit()
            self._fields.stop.setEnabled(False)
            self._fields.status.say("Cancelling …")

    def _show_pause(self) -> None:
        """Tell the user whether the run is paused, will pause soon, or continues."""

    def _show_result(self, result: Any) -> None:
        """Show the result that a run returned."""

    def _show_cancelled(self) -> None:
        """Tell the user that a run ended without a result."""

    def _clean_up(self) -> None:
        """Forget the run that has ended."""

    def _start_next(self) -> bool:
        """Start the next of several runs, if there is one; return whether it was started."""
        return False

    def follow_models(self) -> None:
        """List the models again, because some were downloaded, imported or removed."""

    def _stop_listening(self) -> None:
        """Disconnect from the events of layers, because the dock is closed."""

    @property
    def is_running(self) -> bool:
        """Whether a run is in progress, or paused."""
        return self._worker is not None

    # the fields

    def reset_choices(self, event: object = None) -> None:
        """List the image layers again; napari calls this when the layer list changes."""
        if not self._closed:
            self._offer_layers()
            self._refresh()

    def _edit(self) -> None:
        """Clear the messages of the last run, because the user changed a field."""
        if self._worker is None:
            self._problem = None
            self._fields.status.say("")
        self._refresh()

    def _show_problems(self, problems: Mapping[str, str]) -> None:
        """Frame wrong fields, explain the first, and allow a run if no field is wrong."""
        self._fields.show_problems(problems)
        self._fields.run.setEnabled(not problems and self._worker is None)
        problem = next(iter(problems.values()), None)
        if problem != self._problem and self._worker is None:
            self._problem = problem
            self._fields.status.say(problem or "")

    def _may_download(self, model: ModelReference) -> bool:
        """Ask before missing files of a model are downloaded; return whether the run may start."""
        # while the dialog is open, Qt handles events, so the dock may be closed
        return all(may_download(entry, self) and not self._closed for entry in model.missing)

    # a run

    def _launch(
        self,
        steps: Callable[..., Generator[Any, None, Any]],
        *args: Any,
        name: str,
        cancel: Callable[[], object] | None = None,
    ) -> None:
        """Run a generator in a thread, with a bar in the activity dock.

        Creating the bar lets Qt handle events, so a slot must call this as its last statement.

        Parameters
        ----------
        steps : callable
            Returns the generator.
        *args
            Arguments of `steps`.
        name : str
            The label of the bar.
        cancel : callable, optional
            Called by the bar's Cancel button; by default, it ends the generator.
        """
        worker = create_run(
            steps,
            *args,
            yielded=self._show_progress,
            returned=self._show_result,
            errored=self._show_error,
            warned=self._show_warning,
            aborted=self._show_cancelled,
            finished=self._end,
            paused=self._show_paused,
            resumed=self._show_resumed,
        )
        self._worker = worker
        self._fields.reveal_status()
        if self._pausing:  # the user paused the previous run during its last tile
            worker.pause()
        # a widget that is deleted with its window gets no event
        self.destroyed.connect(worker.quit)
        worker.start()
        bar = ActivityBar(name, cancel or worker.quit)
        # Qt handled events while the bar was created, so the run may be over
        if self._worker is worker:
            self._bar = bar
        else:
            bar.close()

    def _toggle_pause(self) -> None:
        if self._worker is not None and not self._worker.abort_requested:
            self._pausing = not self._pausing
            self._fields.show_pausing(self._pausing)
            (self._worker.pause if self._pausing else self._worker.resume)()
            self._show_pause()

    def _show_paused(self) -> None:
        self._show_pause()
        if self._bar is not None:
            self._bar.show_paused(True)  # comes last, because it lets Qt handle events

    def _show_resumed(self) -> None:
        self._show_pause()
        if self._bar is not None:
            self._bar.show_paused(False)

    def _update_bar(self, step: Step) -> None:
        """Update the bar in the activity dock. Qt then handles events, so slots call this last."""
        if self._bar is not None:
            self._bar.show(step)

    def _end(self) -> None:
        """After the worker has ended, start the next run, or else reset the form."""
        worker, self._worker = self._worker, None
        # a worker that is cancelled in its last step reports neither a result nor that it was
        unsaid = not self._closed and self._fields.status.text().endswith("…")
        if worker is not None and worker.abort_requested and unsaid:
            self._show_cancelled()
        bar, self._bar = self._bar, None
        if bar is not None:
            bar.close()
        self._clean_up()
        if self._start_next():
            return
        self._pausing = False
        self._fields.show_running(False)
        self._refresh()
        self._fields.reveal_outcome()
        self.run_ended.emit()

    def _show_error(self, error: Exception) -> None:
        words = error_in_words(error)
        self._fields.status.say(words)
        forget_locals(error)  # napari keeps every notification
        if isinstance(error, EXPLAINED):
            show_error(words[:1].upper() + words[1:])
        else:
            # a notification with a button that shows the traceback
            notification_manager.receive_error(type(error), error, error.__traceback__)

    def _show_warning(self, details: tuple[Any, ...]) -> None:
        message, category = details[:2]
        if category.__module__.startswith("napari_sr."):
            show_warning(as_fields(str(message)))

    def _end_with_dock(self) -> None:
        if self._worker is not None:
            self._worker.quit()
        if self._bar is not None:
            self._bar.close()
        self._stop_listening()
        self._viewer.layers.selection.events.active.disconnect(self._follow_selection)
