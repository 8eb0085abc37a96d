"""The form that upscales an image layer. It reads fields and shows results; it computes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from napari_sr.engine.planning.settings import EngineError, Settings
from napari_sr.runs.first_look import PixelError
from napari_sr.runs.forecast import Forecast
from napari_sr.runs.job import Step, run
from napari_sr.runs.model import BlendError
from napari_sr.runs.run import Request
from napari_sr.runs.source import Source
from napari_sr.runs.words import error_in_words
from napari_sr.widgets.common.appearance import set_afterwards
from napari_sr.widgets.common.device_box import available_devices
from napari_sr.widgets.common.dock import RunningForm
from napari_sr.widgets.common.layer_source import current_plane, layer_problem, source_of
from napari_sr.widgets.common.worker import send_on_errand
from napari_sr.widgets.upscale.fields import CURRENT, UpscaleFields
from napari_sr.widgets.upscale.forecaster import Forecaster
from napari_sr.widgets.upscale.placing import Placer
from napari_sr.widgets.upscale.result import result_arguments, with_record

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image

    from napari_sr.engine.execution.upscale import Upscaled
    from napari_sr.runs.model_list import ChosenModel
    from napari_sr.runs.source import Source


@dataclass(frozen=True)
class Pending:
    """What a result's layer needs once the result is computed."""

    layer: Image
    """The source layer."""
    arguments: dict[str, Any]
    """Keywords of `add_image`."""
    afterwards: dict[str, Any]
    """Attributes to set once the layer exists."""


class UpscaleWidget(RunningForm):
    """Upscale an image layer with a network.

    Parameters
    ----------
    napari_viewer : ViewerModel
        The form lists its image layers, and adds results to it.
    """

    def __init__(self, napari_viewer: ViewerModel) -> None:
        self.form = UpscaleFields()
        super().__init__(napari_viewer, self.form)
        self._forecaster = Forecaster(self)
        self._placer = Placer(napari_viewer)
        self._pending: Pending | None = None
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
        form.model.changed.connect(self._edit)
        form.values.changed.connect(self._edit)
        form.tile.valueChanged.connect(self._edit)
        form.ensemble.toggled.connect(self._edit)
        for box in (form.device, form.precision, form.engine, form.slices, form.outliers):
            box.activated.connect(self._edit)
        form.run.clicked.connect(self._start)
        form.stop.clicked.connect(self._cancel)
        self._forecaster.told.connect(self._show_forecast)

    # the form's fields

    def _offer_layers(self) -> None:
        self.form.layers.offer(self._viewer.layers)

    def _follow_selection(self, event: object = None) -> None:
        """Choose the layer that the user selects; a result that is added selects itself."""
        if not self._gone and not self._adding:
            self.form.layers.follow(self._viewer.layers.selection.active)

    def _change_layer(self) -> None:
        layer = self.form.layers.layer()
        self.form.values.follow(layer)
        self.form.slices.setEnabled(layer is not None and layer.ndim > 2)
        self._edit()

    # before a run

    def _refresh(self, event: object = None) -> None:
        """Show what is wrong, or ask for a forecast."""
        problems = self._problems()
        self._show_problems(problems)
        layer, choice = self.form.layers.layer(), self.form.model.choice()
        self._forecaster.forget()
        if self._worker is not None:
            return  # the form shows the run
        self.form.forecast.say("")
        if not problems and layer is not None and choice is not None:
            self._forecaster.ask(self._request(layer, choice))

    def _problems(self) -> dict[str, str]:
        """Return what is wrong with each wrong field, by its name."""
        layer = self.form.layers.layer()
        found = {
            "layer": "Open an image: there is no image layer." if layer is None else None,
            "model": self.form.model.problem(),
            "blend": self.form.model.blend.problem(),
        }
        if layer is not None:
            found["layer"] = layer_problem(layer)
            found["values"] = self.form.values.problem()
            found["outliers"] = self._outliers_problem(layer)
        return {field: reason for field, reason in found.items() if reason is not None}

    def _outliers_problem(self, layer: Image) -> str | None:
        if self.form.outliers.currentData() != "mark" or layer.dtype.kind == "f":
            return None
        return (
            f"The layer {layer.name} holds {layer.dtype}, which has no NaN: choose other Outliers."
        )

    def _show_forecast(self, answer: Forecast | Exception) -> None:
        if isinstance(answer, Forecast):
            self.form.forecast.say(answer.sentence)
            return
        self.form.forecast.say("")
        field = "model"
        if isinstance(answer, PixelError):
            field = "layer"
        elif isinstance(answer, BlendError):
            field = "blend"
        elif isinstance(answer, EngineError):
            field = "engine"
        elif isinstance(answer, ValueError) and self.form.tile.value():
            field = "tile"
        self._show_problems({field: error_in_words(answer)})

    def _source(self, layer: Image) -> Source:
        one_plane = layer.ndim > 2 and self.form.slices.currentText() == CURRENT
        return source_of(layer, current_plane(layer, self._viewer.dims) if one_plane else None)

    def _request(self, layer: Image, choice: ChosenModel) -> Request:
        source = self._source(layer)
        return Request(source, choice.reference, self._settings(), source.axes)

    def _settings(self) -> Settings:
        engine, kernels = self.form.engine_and_kernels()
        return Settings(
            tile=self.form.tile.value() or None,
            device=self.form.device.device(),
            value_range=self.form.values.value(),
            precision=str(self.form.precision.currentData()),
            outliers=str(self.form.outliers.currentData()),
            ensemble=self.form.ensemble.isChecked(),
            engine=engine,
            kernels=kernels,
        )

    # a run

    def _start(self) -> None:
        layer, choice = self.form.layers.layer(), self.form.model.choice()
        if self._worker is not None or layer is None or choice is None:
            return
        request, source = self._request(layer, choice), self._source(layer)
        ensemble, order = request.settings.ensemble, self._viewer.dims.order
        arguments = result_arguments(layer, source, choice, ensemble=ensemble, order=order)
        pending = Pending(layer, arguments, set_afterwards(layer))
        if self._may_download(request.model):
            self._pending = pending
            self._run(request)

    def _run(self, request: Request) -> None:
        self._forecaster.forget()
        self.form.show_running(True)
        self.form.forecast.say("")
        self.form.status.say("Starting …")
        self._launch(run, request, name=request.model.label)

    def _cancel(self) -> None:
        if self._worker is not None:
            self._worker.quit()
            self.form.stop.setEnabled(False)
            self.form.status.say("Cancelling after this tile …")

    def _show_progress(self, step: Step) -> None:
        self.form.show_progress(step.done, step.total)
        if self._worker is not None and not self._worker.abort_requested:
            self.form.status.say(step.doing)
            self.form.show_time_left(step.seconds_left)
        self._tell_bar(step)

    def _show_result(self, result: Upscaled) -> None:
        pending = self._pending
        if pending is None:
            return
        arguments = with_record(pending.arguments, result.record)
        self._adding = True  # the next run uses the same source, not this result
        try:
            layer = self._placer.add(result.pixels, pending.layer, arguments, pending.afterwards)
        finally:
            self._adding = False
        notes: Any = result.record["notes"]
        self.form.status.say("; ".join((f"Done: {layer.name}", *notes)))

    def _show_cancelled(self) -> None:
        self.form.status.say("Cancelled.")

    def _clean_up(self) -> None:
        self._pending = None

    def _let_go(self) -> None:
        self._forecaster.forget()
        self.form.layers.leave()
