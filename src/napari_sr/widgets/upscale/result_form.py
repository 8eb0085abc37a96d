"""The upscaling form during and after a run: it shows progress and results."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from weakref import ref

from napari_sr.runs.words import error_in_words
from napari_sr.streaming.journal import JournalError
from napari_sr.widgets.common.label import WrappedLabel
from napari_sr.widgets.common.layer_list import unwrapped
from napari_sr.widgets.common.record_menu import RecordMenu
from napari_sr.widgets.compare.row import CompareRow
from napari_sr.widgets.upscale.check_button import CheckButton
from napari_sr.widgets.upscale.checked_form import CheckedForm
from napari_sr.widgets.upscale.keep_button import KeepButton
from napari_sr.widgets.upscale.placing import Placer
from napari_sr.widgets.upscale.queue import PendingRun, RunQueue
from napari_sr.widgets.upscale.result import with_record

if TYPE_CHECKING:
    from collections.abc import Iterator

    from napari.components import ViewerModel
    from napari.layers import Image

    from napari_sr.engine.execution.partial_result import PartialResult
    from napari_sr.engine.execution.upscale import Upscaled
    from napari_sr.runs.job import Step
    from napari_sr.streaming.layer import GrowingImage
    from napari_sr.streaming.layer_request import Record
    from napari_sr.widgets.upscale.growing import GrowingLayer

CANCELLING = "Cancelling after this tile …"


class ResultForm(CheckedForm):
    """A form that shows the progress of its runs, and adds their results.

    Parameters
    ----------
    napari_viewer : ViewerModel
        The viewer to which results are added.
    """

    def __init__(self, napari_viewer: ViewerModel) -> None:
        super().__init__(napari_viewer)
        self._placer = Placer(napari_viewer, self._adds)
        self._queue = RunQueue()
        self._pending: PendingRun | None = None
        self._partial: PartialResult | None = None
        self._growing: GrowingLayer | None = None
        self._result: ref[Image] | None = None
        self._adding = False
        self._doing = ""
        self.keep = KeepButton(self._add)
        self.keep.kept.connect(self._show_kept)
        self.compare = CompareRow(napari_viewer)
        self.check_map = CheckButton(napari_viewer, self._add_map)
        self.record = RecordMenu()
        self.about = WrappedLabel()
        """Which result the buttons below it are about."""
        for button in (self.check_map, self.record):
            button.told.connect(self._tell)
        for each in self.compare.buttons.values():
            each.clicked.connect(self._reveal_hint)
        for shown in (self.keep, self.about, self.compare, self.check_map, self.record):
            self.form.results.addWidget(shown)

    def _offer_layers(self) -> None:
        super()._offer_layers()
        self.keep.forget_without(self._viewer.layers)
        self.record.forget_without(unwrapped(self._viewer).layers)
        self.check_map.follow_layers()

    def _refresh(self, event: object = None) -> None:
        super()._refresh(event)
        self._name_result()

    def _edit(self) -> None:
        self.keep.forget()
        super()._edit()

    def _tell(self, words: str) -> None:
        """Show a sentence, and scroll to it."""
        self.form.status.say(words)
        self._name_result()
        self.form.reveal_status()

    def _reveal_hint(self) -> None:
        """Scroll to the hint that a button to compare has shown below itself."""
        self.form.reveal(self.compare)

    # progress

    def _show_progress(self, step: Step | GrowingImage) -> None:
        if self._growing is not None:
            self._growing.refresh()
        from napari_sr.runs.job import Step  # this and later such imports would delay the form

        if not isinstance(step, Step):
            if self._growing is not None:
                self._growing.begin(step)
            return
        self.form.show_progress(step.done, step.total)
        if self._worker is not None and not self._worker.abort_requested:
            self._doing = f"{self._queue.place}{step.doing}"
            self._show_pause()
            self.form.show_time_left(step.seconds_left)
        self._update_bar(step)

    def _show_pause(self) -> None:
        """Show what the run does, and whether it is paused."""
        worker = self._worker
        if worker is not None and worker.abort_requested:
            return
        told = self._doing
        if self._pausing:
            paused = worker is not None and worker.is_paused
            told = f"Paused. {told}" if paused else f"{told.removesuffix(' …')}. Pausing …"
        self.form.status.say(told)

    # results

    def _add(
        self, pending: PendingRun, pixels: Any, record: dict[str, Any], **arguments: Any
    ) -> Image:
        """Add the layer of a result, without choosing it as the next run's source."""
        arguments = {**with_record(pending.arguments, record), **arguments}
        with self._adds():
            return self._placer.add(pixels, pending.layer, arguments, pending.afterwards)

    @contextmanager
    def _adds(self) -> Iterator[None]:
        """Context: this form adds or selects a layer; that is no choice of the user."""
        before, self._adding = self._adding, True
        try:
            yield
        finally:
            self._adding = before

    def _notice_drawing(self) -> None:
        # napari draws the source again when a layer with smaller pixels is added
        if not self._adding:
            super()._notice_drawing()

    def _show_result(self, result: Upscaled | Record) -> None:
        if self._pending is None:
            return
        record = result if isinstance(result, dict) else result.record
        more: list[str] = []
        if isinstance(result, dict):
            name = "" if self._growing is None else self._growing.finish(record)
        else:
            name = self._add(self._pending, result.pixels, record).name
            more = self._add_spread(name, result)
        if name in self._viewer.layers:
            self._offer(self._pending.layer, self._viewer.layers[name])
        notes: Any = record["notes"]
        told = [f"Done: {name}", *more, *notes]
        if not self._pending.layer.visible:
            told.append(f"{self._pending.layer.name} is hidden, but its result is shown")
        told += _agreement(record)
        self._queue.add_result(name)
        self.form.status.say(self._queue.summary or "; ".join(told))

    def _add_map(self, *found: Any) -> None:
        """Add the map of a check, without choosing it as the next run's source."""
        from napari_sr.widgets.compare.check_map import add_map

        with self._adds():
            add_map(*found)

    def _add_spread(self, name: str, result: Upscaled) -> list[str]:
        """Add the layer of a result's spread, if there is one; return a sentence on it."""
        if result.spread is None:
            return []
        from napari_sr.widgets.upscale.spread_layer import add_spread

        with self._adds():
            return [add_spread(self._viewer, self._viewer.layers[name], result)]

    def _offer(self, source: Image, result: Image) -> None:
        """Offer to compare a result with its source, and to copy its record."""
        if source in self._viewer.layers:
            self.compare.offer(source, result)
            self.check_map.offer(source, result)
        self.record.offer(result)
        self._result = ref(unwrapped(result))
        unwrapped(result).events.name.connect(self._name_result)

    def _name_result(self, event: object = None) -> None:
        """Say which result the buttons are about, unless the status still speaks of it."""
        result = None if self._result is None else self._result()
        buttons = self.compare, self.check_map, self.record
        unsaid = not self.form.status.text() and not all(one.isHidden() for one in buttons)
        self.about.say(f"For {result.name}:" if result is not None and unsaid else "")
        self.about.setVisible(bool(self.about.text()))

    def _forget_result(self) -> None:
        """Offer no result any longer, because another run begins or the form is closed."""
        self._result = None
        self.compare.clear()
        self.check_map.clear()
        self.record.offer(None)
        self._name_result()

    def _show_kept(self, source: Image, layer: Image, told: str) -> None:
        self._offer(source, layer)
        self.form.status.say(told)
        self._name_result()
        self.form.reveal_outcome()

    def _show_error(self, error: Exception) -> None:
        super()._show_error(error)
        if self._pending is not None:
            self._queue.add_failure(self._pending.layer.name, error_in_words(error))
            self.form.status.say(self._queue.summary or self.form.status.text())
        if isinstance(error, JournalError):  # this run can never resume the folder's result
            self.form.output.renew()

    def _show_cancelled(self) -> None:
        self.form.status.say(self._queue.summary or "Cancelled.")

    def _clean_up(self) -> None:
        pending, self._pending = self._pending, None
        partial, self._partial = self._partial, None
        growing, self._growing = self._growing, None
        if self._closed:
            return
        if self._queue.cancelled and pending is not None and partial is not None:
            self.keep.offer(pending, partial)
        if growing is None:
            return
        kept = growing.leave()
        if kept:
            self.form.status.say(f"{self.form.status.text().rstrip('.')}. {kept}")
        elif growing.finished:
            self.form.output.renew()


def _agreement(record: dict[str, Any]) -> list[str]:
    """Return in words how well a result agrees with its source; empty if it is not recorded."""
    from napari_sr.consistency.figures import KEY, in_words

    figures = record.get(KEY)
    return [in_words(figures)] if figures else []
