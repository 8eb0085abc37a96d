"""The form that upscales an image layer: it reads fields and shows results; it computes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from napari_sr.runs.job import Step, run
from napari_sr.streaming.layer_request import run_in_folder
from napari_sr.widgets.common.appearance import set_afterwards
from napari_sr.widgets.common.device_box import available_devices
from napari_sr.widgets.common.layer_source import looked_at
from napari_sr.widgets.common.worker import send_on_errand
from napari_sr.widgets.upscale.checked_form import CheckedForm
from napari_sr.widgets.upscale.growing import GrowingLayer
from napari_sr.widgets.upscale.placing import Placer
from napari_sr.widgets.upscale.result import result_arguments, with_record
from napari_sr.widgets.upscale.stored import folder_request, stored

if TYPE_CHECKING:
    from pathlib import Path

    from napari.components import ViewerModel
    from napari.layers import Image

    from napari_sr.engine.execution.upscale import Upscaled
    from napari_sr.runs.run import Request
    from napari_sr.streaming.layer import GrowingImage
    from napari_sr.streaming.layer_request import Record


@dataclass(frozen=True)
class Pending:
    """Data for adding a result's layer once the result is computed."""

    layer: Image
    """The source layer."""
    arguments: dict[str, Any]
    """Keyword arguments of `add_image`."""
    afterwards: dict[str, Any]
    """Attributes to set once the layer exists."""


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
        self._pending: Pending | None = None
        self._growing: GrowingLayer | None = None
        self._adding = False
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
        form.model.changed.connect(self._propose)
        form.model.changed.connect(self._edit)
        form.output.changed.connect(self._edit)
        form.values.changed.connect(self._edit)
        form.tile.valueChanged.connect(self._edit)
        form.ensemble.toggled.connect(self._edit)
        for box in (form.device, form.precision, form.engine, form.slices, form.outliers):
            box.activated.connect(self._edit)
        form.run.clicked.connect(self._start)
        form.stop.clicked.connect(self._cancel)

    def _follow_selection(self, event: object = None) -> None:
        """Choose the layer that the user selects; a result that was just added is ignored."""
        if not self._gone and not self._adding:
            self.form.layers.follow(self._viewer.layers.selection.active)

    # a run

    def _start(self) -> None:
        layer, choice = self.form.layers.layer(), self.form.model.choice()
        if self._worker is not None or layer is None or choice is None:
            return
        request, source = self._request(layer, choice), self._source(layer)
        ensemble, order = request.settings.ensemble, self._viewer.dims.order
        arguments = result_arguments(layer, source, choice, ensemble=ensemble, order=order)
        pending = Pending(layer, arguments, set_afterwards(layer))
        folder = self.form.output.folder()
        if self._may_download(request.model):
            self._pending = pending
            self._run(request, pending, folder)

    def _run(self, request: Request, pending: Pending, folder: Path | None) -> None:
        self._forecaster.forget()
        self.form.show_running(True)
        self.form.forecast.say("")
        self.form.status.say("Starting …")
        name = request.model.label
        if folder is None:
            self._launch(run, request, name=name)
            return
        self._growing = GrowingLayer(
            self._viewer, partial(self._add, pending, multiscale=True, cache=False)
        )
        near = looked_at(pending.layer, self._viewer)
        keeps = stored(pending.layer, pending.arguments)
        task = folder_request(request, keeps, folder, pending.arguments["name"], near)
        self._launch(run_in_folder, task, name=name)

    def _cancel(self) -> None:
        if self._worker is not None:
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
            self.form.status.say(step.doing)
            self.form.show_time_left(step.seconds_left)
        self._tell_bar(step)

    def _add(
        self, pending: Pending, pixels: Any, record: dict[str, Any], **arguments: Any
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
        notes: Any = record["notes"]
        self.form.status.say("; ".join((f"Done: {name}", *notes)))

    def _show_cancelled(self) -> None:
        self.form.status.say("Cancelled.")

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
            # this form will be gone; Qt holds a partial, but no bound method
            self._worker.finished.connect(partial(self._growing.leave))
        self._forecaster.forget()
        self.form.layers.leave()
