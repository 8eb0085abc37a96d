"""The form that upscales an image layer: it reads fields and shows results; it computes nothing."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from napari_sr.runs.job import Step, run
from napari_sr.runs.words import error_in_words
from napari_sr.streaming.layer_request import run_in_folder
from napari_sr.widgets.common.appearance import set_afterwards
from napari_sr.widgets.common.device_box import available_devices
from napari_sr.widgets.common.layer_source import looked_at
from napari_sr.widgets.common.memory import remember, remembered
from napari_sr.widgets.common.record_menu import RecordMenu
from napari_sr.widgets.common.worker import send_on_errand
from napari_sr.widgets.compare.row import CompareRow
from napari_sr.widgets.upscale.checked_form import CheckedForm
from napari_sr.widgets.upscale.growing import GrowingLayer
from napari_sr.widgets.upscale.placing import Placer
from napari_sr.widgets.upscale.queue import PendingRun, RunQueue
from napari_sr.widgets.upscale.result import result_arguments, with_record
from napari_sr.widgets.upscale.stored import folder_request, stored

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image

    from napari_sr.engine.execution.upscale import Upscaled
    from napari_sr.runs.model_list import ChosenModel
    from napari_sr.streaming.layer import GrowingImage
    from napari_sr.streaming.layer_request import Record


FORM = "upscale"
"""Name under which this form's choices are remembered."""


class UpscaleWidget(CheckedForm):
    """Upscale an image layer with a network.

    Parameters
    ----------
    napari_viewer : ViewerModel
        The form lists its image layers, and adds results to it.
    """

    def __init__(self, napari_viewer: ViewerModel) -> None:
        super().__init__(napari_viewer)
        self._placer = Placer(napari_viewer)
        self._queue = RunQueue()
        self._pending: PendingRun | None = None
        self._growing: GrowingLayer | None = None
        self._adding = False
        self.compare = CompareRow(napari_viewer)
        self.form.results.addWidget(self.compare)
        self.record = RecordMenu()
        self.record.told.connect(self.form.status.say)
        self.form.results.addWidget(self.record)
        self.form.choose(remembered(FORM))
        self._connect()
        self.reset_choices()
        self._change_layer()
        self._follow_selection()
        send_on_errand(available_devices, returned=self.form.device.offer)

    def _connect(self) -> None:
        form = self.form
        form.layers.chosen.connect(self._change_layer)
        form.layers.limits_changed.connect(form.values.refresh)
        form.layers.data_changed.connect(self._refresh)
        form.layers.data_changed.connect(self._preview.forget)
        form.preview.toggled.connect(self._preview.switch)
        self._preview.told.connect(form.about_preview.say)
        self._preview.switched_off.connect(partial(form.preview.setChecked, False))
        form.model.changed.connect(self._propose)
        form.model.changed.connect(self._edit)
        form.all_models.clicked.connect(self._open_table)
        form.output.changed.connect(self._edit)
        form.values.changed.connect(self._edit)
        form.tile.valueChanged.connect(self._edit)
        form.ensemble.toggled.connect(self._edit)
        for box in (form.device, form.precision, form.engine, form.outliers):
            box.activated.connect(self._edit)
        form.region.changed.connect(self._edit_region)
        form.more.reset.connect(self._use_defaults)
        form.run.clicked.connect(self._start)
        form.stop.clicked.connect(self._cancel)
        for event in self._events_of_view():
            event.connect(self._follow_view)
        self._viewer.layers.selection.events.changed.connect(self._follow_selection)

    def _follow_selection(self, event: object = None) -> None:
        """Choose the layers that the user selects; a result that was just added is ignored."""
        if not self._gone and not self._adding:
            self.form.layers.follow(self._viewer.layers.selection)

    def _edit_region(self) -> None:
        """Check another region, once its shape is drawn."""
        self._pan.start()

    def follow_models(self) -> None:
        """Show which models are here now, because some were downloaded, imported or removed."""
        self.form.model.renew()
        self._refresh()

    def _use_defaults(self) -> None:
        self.form.use_defaults()
        self._edit()

    # a run

    def _start(self) -> None:
        self.check()  # the view may have changed a moment ago
        layers, choice = self.form.layers.layers(), self.form.model.choice()
        if not self.form.run.isEnabled() or not layers or choice is None:
            return
        runs = [self._pending_run(layer, choice) for layer in layers]
        remember(FORM, self.form.choices())
        if self._may_download(choice.reference):
            self._queue.fill(runs)
            self._forecaster.forget()
            self._preview.hold()
            self.compare.clear()
            self.record.offer(None)
            self.form.show_running(True)
            self.form.forecast.say("")
            self._run(self._queue.next())

    def _pending_run(self, layer: Image, choice: ChosenModel) -> PendingRun:
        """Return all that a run needs, so that neither layer nor fields are read later."""
        request = self._request(layer, choice)
        source: Any = request.image
        order = self._viewer.dims.order
        ensemble = request.settings.ensemble
        arguments = result_arguments(
            layer, source, choice, region=request.region, ensemble=ensemble, order=order
        )
        folder = self.form.output.folder()
        return PendingRun(layer, request, arguments, set_afterwards(layer), folder)

    def _run(self, pending: PendingRun) -> None:
        self._pending = pending
        self.form.status.say(f"{self._queue.place}Starting …")
        name = pending.request.model.label
        if pending.folder is None:
            self._launch(run, pending.request, name=name, cancel=self._cancel)
            return
        self._growing = GrowingLayer(
            self._viewer, partial(self._add, pending, multiscale=True, cache=False)
        )
        near = looked_at(pending.layer, self._viewer)
        keeps = stored(pending.layer, pending.arguments)
        task = folder_request(
            pending.request, keeps, pending.folder, pending.arguments["name"], near
        )
        self._launch(run_in_folder, task, name=name, cancel=self._cancel)

    def _go_on(self) -> bool:
        """Start the next run, if one is waiting; return whether it was started."""
        if self._gone or not self._queue.waiting:
            return False
        self._run(self._queue.next())
        return True

    def _cancel(self) -> None:
        if self._worker is not None:
            self._queue.cancel()
            self._worker.quit()
            self.form.stop.setEnabled(False)
            self.form.status.say("Cancelling after this tile …")

    def _show_progress(self, step: Step | GrowingImage) -> None:
        if self._growing is not None:
            self._growing.refresh()
        if not isinstance(step, Step):
            if self._growing is not None:
                self._growing.begin(step)
            return
        self.form.show_progress(step.done, step.total)
        if self._worker is not None and not self._worker.abort_requested:
            self.form.status.say(f"{self._queue.place}{step.doing}")
            self.form.show_time_left(step.seconds_left)
        self._tell_bar(step)

    def _add(
        self, pending: PendingRun, pixels: Any, record: dict[str, Any], **arguments: Any
    ) -> Image:
        """Add the layer of a result; the next run uses the same source, not this result."""
        self._adding = True
        try:
            arguments |= with_record(pending.arguments, record)
            return self._placer.add(pixels, pending.layer, arguments, pending.afterwards)
        finally:
            self._adding = False

    def _show_result(self, result: Upscaled | Record) -> None:
        if self._pending is None:
            return
        record = result if isinstance(result, dict) else result.record
        if isinstance(result, dict):
            name = "" if self._growing is None else self._growing.finish(record)
        else:
            name = self._add(self._pending, result.pixels, record).name
        if name in self._viewer.layers and self._pending.layer in self._viewer.layers:
            self.compare.offer(self._pending.layer, self._viewer.layers[name])
            self.record.offer(self._viewer.layers[name])
        notes: Any = record["notes"]
        self._queue.add_result(name)
        self.form.status.say(self._queue.summary or "; ".join((f"Done: {name}", *notes)))

    def _show_error(self, error: Exception) -> None:
        super()._show_error(error)
        if self._pending is not None:
            self._queue.add_failure(self._pending.layer.name, error_in_words(error))
            self.form.status.say(self._queue.summary or self.form.status.text())

    def _show_cancelled(self) -> None:
        self.form.status.say(self._queue.summary or "Cancelled.")

    def _clean_up(self) -> None:
        self._pending = None
        growing, self._growing = self._growing, None
        if growing is None or self._gone:
            return
        kept = growing.leave()
        if kept:
            self.form.status.say(f"{self.form.status.text().rstrip('.')}. {kept}")
        self.form.output.renew()

    def _let_go(self) -> None:
        if self._growing is not None and self._worker is not None:
            # this form will be deleted; Qt keeps a partial alive, but not a bound method
            self._worker.finished.connect(partial(self._growing.leave))
        remember(FORM, self.form.choices())
        self._pan.stop()
        self._preview.leave()
        self.compare.clear()
        self._queue.cancel()
        self._forecaster.forget()
        self.form.layers.leave()
        self.form.region.leave()
        for event in self._events_of_view():
            event.disconnect(self._follow_view)
        self._viewer.layers.selection.events.changed.disconnect(self._follow_selection)
