"""The upscaling form before a run: check its fields, and show forecasts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_sr.engine.planning.settings import EngineError, Settings
from napari_sr.runs.first_look import PixelError
from napari_sr.runs.forecast import Forecast
from napari_sr.runs.model import BlendError
from napari_sr.runs.run import Request
from napari_sr.runs.words import error_in_words
from napari_sr.widgets.common.dock import RunningForm
from napari_sr.widgets.common.layer_source import current_plane, layer_problem, source_of
from napari_sr.widgets.upscale.fields import CURRENT, UpscaleFields
from napari_sr.widgets.upscale.forecaster import Forecaster
from napari_sr.widgets.upscale.stored import lost_in_folder, problem_of_layer

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image

    from napari_sr.runs.model_list import ChosenModel
    from napari_sr.runs.source import Source


class CheckedForm(RunningForm):
    """A form that shows which fields are wrong, or else memory and time of a run.

    Parameters
    ----------
    napari_viewer : ViewerModel
        The form lists its image layers.
    """

    def __init__(self, napari_viewer: ViewerModel) -> None:
        self.form = UpscaleFields()
        super().__init__(napari_viewer, self.form)
        self._forecaster = Forecaster(self)
        self._forecaster.told.connect(self._show_forecast)

    # the form's fields

    def _offer_layers(self) -> None:
        self.form.layers.offer(self._viewer.layers)

    def _change_layer(self) -> None:
        layer = self.form.layers.layer()
        self.form.values.follow(layer)
        self.form.slices.setEnabled(layer is not None and layer.ndim > 2)
        self._propose(another=True)
        self._edit()

    def _propose(self, *, another: bool = False) -> None:
        """Propose a name for the folder of the result."""
        choice = self.form.model.choice()
        scale = None if choice is None else choice.scale
        self.form.output.follow(self.form.layers.layer(), scale, another=another)

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
            folder = self.form.output.folder()
            parent = None if folder is None else folder.parent
            self._forecaster.ask(self._request(layer, choice), parent)

    def _problems(self) -> dict[str, str]:
        """Return an explanation for each wrong field, by its name."""
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
        if layer is not None and self.form.output.in_folder:
            found["output"] = problem_of_layer(layer)
            running = self._worker is not None  # a run has created the folder itself
            found["folder"] = None if running else self.form.output.problem()
        return {field: reason for field, reason in found.items() if reason is not None}

    def _outliers_problem(self, layer: Image) -> str | None:
        if self.form.outliers.currentData() != "mark" or layer.dtype.kind == "f":
            return None
        return f"The layer {layer.name} holds {layer.dtype}, which has no NaN: change Outliers."

    def _show_forecast(self, answer: Forecast | Exception) -> None:
        if isinstance(answer, Forecast):
            self._show_size(answer)
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

    def _show_size(self, forecast: Forecast) -> None:
        """Show the forecast; propose a folder for a result that does not fit into memory."""
        output = self.form.output
        if output.propose(fits=forecast.fits):
            self._refresh()
            return
        layer = self.form.layers.layer()
        lost = lost_in_folder(layer) if output.in_folder and layer is not None else ""
        self.form.forecast.say(" ".join(filter(None, (forecast.sentence, lost))))
        if not forecast.fits and not output.in_folder:
            way_out = output.missing or "choose a folder as Output, or a smaller scale"
            reason = f"The result does not fit into memory: {way_out}"
            self._show_problems({"output": reason})

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
