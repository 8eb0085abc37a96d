"""The form that upscales an image layer: it reads fields and shows results, without computing."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from napari_sr.widgets.common.appearance import set_afterwards
from napari_sr.widgets.common.device_box import available_devices
from napari_sr.widgets.common.layer_region import events_of_view
from napari_sr.widgets.common.layer_source import looked_at
from napari_sr.widgets.common.memory import remember, remembered
from napari_sr.widgets.common.worker import call_in_thread
from napari_sr.widgets.upscale.growing import GrowingLayer
from napari_sr.widgets.upscale.queue import PendingRun
from napari_sr.widgets.upscale.result import result_arguments
from napari_sr.widgets.upscale.result_form import CANCELLING, ResultForm
from napari_sr.widgets.upscale.stored import folder_request

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image

    from napari_sr.runs.model_list import ChosenModel


FORM = "upscale"
"""Name under which this form's choices are remembered."""
LOOKING = "Looking at the folder …"
"""Status between Run and the start of a run into a folder."""


class UpscaleWidget(ResultForm):
    """Upscale an image layer with a network.

    Parameters
    ----------
    napari_viewer : ViewerModel
        The viewer; the form lists its image layers, and adds results as layers.
    """

    def __init__(self, napari_viewer: ViewerModel) -> None:
        super().__init__(napari_viewer)
        self.form.choose(remembered(FORM))
        self._connect()
        self.reset_choices()
        self._change_layer()
        self._follow_selection()
        call_in_thread(available_devices, returned=self.form.device.offer)

    def _connect(self) -> None:
        form = self.form
        for changed in (form.layers.chosen, form.layers.data_changed):
            changed.connect(form.advice.forget)
        form.advice.wanted.connect(form.model.choose)
        form.advice.changed.connect(form.model.mark)
        form.layers.chosen.connect(self._change_layer)
        form.layers.limits_changed.connect(self._change_limits)
        form.layers.data_changed.connect(self._refresh)
        form.layers.data_changed.connect(self._preview.forget)
        form.preview.toggled.connect(self._preview.switch)
        self._preview.told.connect(self._tell_of_preview)
        self._preview.switched_off.connect(partial(form.preview.setChecked, False))
        form.model.changed.connect(self._propose)
        form.model.changed.connect(self._edit)
        form.then.changed.connect(self._propose)
        form.then.changed.connect(self._edit)
        form.all_models.clicked.connect(self._open_table)
        form.output.changed.connect(self._edit)
        form.values.changed.connect(self._edit)
        form.tile.valueChanged.connect(self._edit)
        form.views.changed.connect(self._edit)
        form.consistent.toggled.connect(self._edit)
        form.noise.textEdited.connect(self._edit)
        for box in (form.device, form.precision, form.engine, form.outliers, form.border):
            box.activated.connect(self._edit)
        form.region.changed.connect(self._edit_region)
        form.more.reset.connect(self._use_defaults)
        form.run.clicked.connect(self._start)
        form.stop.clicked.connect(self._cancel)
        for event in events_of_view(self._viewer):
            event.connect(self._follow_view)
        self._viewer.layers.selection.events.changed.connect(self._follow_selection)

    def _tell_of_preview(self, words: str) -> None:
        """Show a sentence about the preview, and scroll to it if the user just asked for one."""
        self.form.about_preview.say(words)
        if words and self.form.preview.hasFocus():
            self.form.reveal(self.form.preview, self.form.about_preview)

    def _follow_selection(self, event: object = None) -> None:
        """Choose the layers that the user selects; a result that was just added is ignored."""
        if not self._closed and not self._adding:
            self.form.layers.follow(self._viewer.layers.selection)

    def _edit_region(self) -> None:
        """Check the region again, once its shape has stopped changing."""
        self._pan.start()

    def follow_models(self) -> None:
        """List the models again, because some were downloaded, imported or removed."""
        self.form.model.renew()
        self._refresh()

    def _use_defaults(self) -> None:
        self.form.use_defaults()
        self._edit()

    # a run

    def _start(self) -> None:
        self.check()  # the view may have changed a moment ago
        if not self.form.run.isEnabled():
            return
        if not self.form.output.in_folder:
            self._begin()
            return
        self._folder.run_waits = True  # `check` looks at the folder in a thread
        self._forecaster.forget()  # it might propose another output meanwhile
        self.form.status.say(LOOKING)

    def _show_folder(self) -> None:
        """Show what was found in the folder, and start the run that waited for it."""
        waited, self._folder.run_waits = self._folder.run_waits, False
        super()._show_folder()
        if not waited or not self.form.run.isEnabled():
            return
        if self._folder_state() is None:  # the run has changed meanwhile: the view was moved
            self._start()
        else:
            self._begin()

    def _edit(self) -> None:
        self._folder.run_waits = False  # the user has changed what Run would do
        super()._edit()

    def _begin(self) -> None:
        """Start the run that the fields describe; no field is wrong."""
        layers, choice = self.form.layers.layers(), self.form.choice()
        if not layers or choice is None:
            return
        runs = [self._pending_run(layer, choice) for layer in layers]
        remember(FORM, self.form.choices())
        if self._may_download(choice.reference):
            self.keep.forget()
            self._queue.fill(runs)
            self._forecaster.forget()
            self._preview.hold()
            self._forget_result()
            self.form.show_running(True)
            self.form.forecast.say("")
            self._run(self._queue.next())

    def _pending_run(self, layer: Image, choice: ChosenModel) -> PendingRun:
        """Collect everything that a run needs, so that neither layer nor fields are read later."""
        request = self._request(layer, choice)
        source: Any = request.image
        order = self._viewer.dims.order
        ensemble = request.settings.ensemble
        arguments = result_arguments(
            layer, source, choice, region=request.region, ensemble=ensemble, order=order
        )
        folder = self.form.output.folder()
        state = self._folder_state()
        resume = state is not None and state.resumed is not None
        later = {} if choice.model.other_unit else set_afterwards(layer)
        return PendingRun(layer, request, arguments, later, folder, resume)

    def _run(self, pending: PendingRun) -> None:
        self._pending = pending
        self._doing = f"{self._queue.place}Starting …"
        self._show_pause()
        name = pending.request.model.label
        if pending.folder is None:
            # these modules would delay the form
            from napari_sr.engine.execution.partial_result import PartialResult
            from napari_sr.widgets.upscale.spread_layer import run_for_layers

            self._partial = PartialResult()
            self._launch(
                run_for_layers, pending.request, self._partial, name=name, cancel=self._cancel
            )
            return
        from napari_sr.streaming.layer_request import run_in_folder

        self._growing = GrowingLayer(
            self._viewer, partial(self._add, pending, multiscale=True, cache=False)
        )
        near = looked_at(pending.layer, self._viewer)
        task = folder_request(pending, pending.folder, near)
        self._launch(run_in_folder, task, name=name, cancel=self._cancel)

    def _start_next(self) -> bool:
        """Start the next run, if one is waiting; return whether it was started."""
        if self._closed or not self._queue.waiting:
            return False
        self._run(self._queue.next())
        return True

    def _cancel(self) -> None:
        if self._worker is not None:
            self._queue.cancel()
            self._worker.quit()
            self.form.show_cancelling()
            self.form.status.say(CANCELLING)

    def _stop_listening(self) -> None:
        if self._growing is not None and self._worker is not None:
            # this form will be deleted; Qt keeps a partial alive, but not a bound method
            self._worker.finished.connect(partial(self._growing.leave))
        remember(FORM, self.form.choices())
        self._pan.stop()
        self.keep.forget()
        self._preview.leave()
        self.form.advice.forget()
        self._forget_result()
        self._queue.cancel()
        self._forecaster.forget()
        self._folder.forget()
        self.form.layers.leave()
        self.form.region.leave()
        for event in events_of_view(self._viewer):
            event.disconnect(self._follow_view)
        self._viewer.layers.selection.events.changed.disconnect(self._follow_selection)
