"""The upscaling form before a run: check its fields, and show forecasts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QTimer

from napari_sr.engine.planning.settings import EngineError, NoiseError
from napari_sr.runs.first_look import PixelError
from napari_sr.runs.forecast import Forecast, forecast_all
from napari_sr.runs.model import BlendError, SeriesError
from napari_sr.runs.run import Request
from napari_sr.runs.words import error_in_words
from napari_sr.streaming.preview_request import PreviewRequest
from napari_sr.widgets.common.dock import RunningForm
from napari_sr.widgets.common.latest import Latest
from napari_sr.widgets.common.layer_region import RegionError, visible_region
from napari_sr.widgets.common.layer_source import (
    current_plane,
    drawn_part,
    layer_problem,
    source_of,
)
from napari_sr.widgets.common.open_form import open_form
from napari_sr.widgets.common.pixel_size import square_pixel_size
from napari_sr.widgets.upscale.fields import UpscaleFields
from napari_sr.widgets.upscale.preview import Preview
from napari_sr.widgets.upscale.preview_view import View, why_no_preview
from napari_sr.widgets.upscale.problems import problems_of
from napari_sr.widgets.upscale.result import result_arguments
from napari_sr.widgets.upscale.resuming import FolderLook, FolderState, request_for
from napari_sr.widgets.upscale.stored import lost_in_folder

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image

    from napari_sr.engine.planning.tiling import Region
    from napari_sr.runs.model_list import ChosenModel
    from napari_sr.runs.source import Source
    from napari_sr.streaming.layer_request import LayerRequest

FORECAST_PAUSE = 200
"""Time without a change of the form before a forecast starts, in milliseconds."""
PAN_PAUSE = 100
"""Time without a change of the view before its region is checked and forecast, in milliseconds."""


class CheckedForm(RunningForm):
    """A form that shows which fields are wrong, or else a forecast of a run's memory and time.

    Parameters
    ----------
    napari_viewer : ViewerModel
        The viewer; the form lists its image layers.
    """

    def __init__(self, napari_viewer: ViewerModel) -> None:
        self.form = UpscaleFields()
        super().__init__(napari_viewer, self.form)
        self._forecaster = Latest(self, pause=FORECAST_PAUSE, waiting="Computing the forecast …")
        self._forecaster.answered.connect(self._show_forecast)
        self._forecaster.slow.connect(self.form.forecast.say)
        self._pan = QTimer(self)
        self._pan.setSingleShot(True)
        self._pan.setInterval(PAN_PAUSE)
        self._pan.timeout.connect(self._refresh)
        self._preview = Preview(napari_viewer, self._view, self)
        self._drawn: object = None
        self._folder = FolderLook(self)
        self._folder.changed.connect(self._show_folder)
        self.form.layers.moved.connect(self._follow_view)
        self.form.layers.redrawn.connect(self._notice_drawing)

    # the form's fields

    def _offer_layers(self) -> None:
        self.form.region.offer(self._viewer.layers)
        self.form.layers.offer(self._viewer.layers)

    def _change_layer(self) -> None:
        self.form.values.follow(self.form.layers.layer())
        self.form.region.follow(*self.form.layers.layers())
        self._drawn = drawn_part(self.form.layers.layer(), self._viewer.dims)
        self._propose(another=True)
        self._edit()

    def _follow_view(self, event: object = None) -> None:
        """Check the visible region again, once the view has stopped changing."""
        self._preview.update()
        if self._worker is not None:
            return
        if self.form.region.follows_view:
            self._pan.start()
        self._advise()  # the slice or the size of the pixels may have changed

    def _notice_drawing(self) -> None:
        """Read the layer again if napari redrew the same part: pixels were changed in place."""
        before = self._drawn
        self._drawn = drawn_part(self.form.layers.layer(), self._viewer.dims)
        if self._drawn == before:
            self._preview.forget()
            self.form.advice.renew()
            self._refresh()

    def _propose(self, *, another: bool = False) -> None:
        """Propose a name for the folder of the result."""
        choice = self.form.choice()
        scale = None if choice is None else choice.enlargement
        self.form.output.follow(self.form.layers.layer(), scale, another=another)

    def _open_table(self) -> None:
        open_form(self._viewer, "Models")

    # before a run

    def check(self) -> None:
        """Check all fields now, without waiting for the view to stop changing."""
        self._pan.stop()
        self._refresh()

    def _refresh(self, event: object = None) -> None:
        """Look at the folder, if there is one; show what is wrong, or ask for a forecast."""
        problems = self._problems()
        asked = None if problems or self._worker is not None else self._folder_request()
        if asked is None:
            self._folder.forget()
        else:
            self._folder.ask(asked, proposed=self.form.output.is_proposed)
        self._show_state(problems)

    def _show_folder(self) -> None:
        """Show what was found in the folder of the result."""
        state = self._folder.newest
        if state is not None and self._worker is None:
            self.form.output.propose_path(state.request.folder)
            self._show_state(self._problems())

    def _show_state(self, problems: dict[str, str]) -> None:
        """Show what is wrong with which field, or ask for a forecast."""
        running = self._worker is not None
        state = None if problems or running else self._folder_state()
        self.form.output.tell("" if state is None else state.words)
        if state is not None and state.problem:
            problems = {"folder": state.problem}
        self._show_problems(problems)
        self.form.more.say(self.form.differences())
        layers, choice = self.form.layers.layers(), self.form.choice()
        self._forecaster.forget()
        if self._worker is not None:
            return  # the form shows the run
        self._advise()
        self.form.forecast.say("")
        self._preview.update()
        if not problems and layers and choice is not None:
            folder = self.form.output.folder()
            parent = None if folder is None else folder.parent
            requests = [self._request(layer, choice) for layer in layers]
            self._forecaster.ask(forecast_all, requests, parent)

    def _advise(self) -> None:
        """Ask which model suits the chosen layer, or the slice of it that is to be upscaled."""
        layer = self.form.layers.layer()
        usable = layer is not None and layer_problem(layer) is None
        source = self._source(layer) if usable and layer is not None else None
        values = self.form.values.value(layer) if self.form.values.problem() is None else None
        size = None if layer is None else square_pixel_size(layer)
        self.form.advice.follow(source, self.form.choice(), values, size)

    def _change_limits(self) -> None:
        """Show the layer's new contrast limits, which may define black and white."""
        self.form.values.refresh()
        if self._worker is None:
            self._advise()

    def _problems(self) -> dict[str, str]:
        return problems_of(self.form, self._viewer)

    def _folder_request(self) -> LayerRequest | None:
        """Return the run into the chosen folder, or None if the output is no folder."""
        layer, choice = self.form.layers.layer(), self.form.choice()
        folder = self.form.output.folder()
        if layer is None or choice is None or folder is None:
            return None
        return request_for(layer, self._request(layer, choice), choice, folder)

    def _folder_state(self) -> FolderState | None:
        """Return what is known of the chosen folder; None if it is not known, or none is chosen."""
        asked = self._folder_request()
        return None if asked is None else self._folder.state(asked)

    def _show_forecast(self, answer: Forecast | Exception) -> None:
        if isinstance(answer, Forecast):
            self._show_size(answer)
            return
        self.form.forecast.say("")
        field = "tile" if isinstance(answer, ValueError) and self.form.tile.value() else "model"
        known = {PixelError: "layer", BlendError: "blend", EngineError: "engine"}
        known |= {NoiseError: "noise", SeriesError: "then" if self.form.then.model() else "scale"}
        field = next((name for kind, name in known.items() if isinstance(answer, kind)), field)
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

    def _view(self) -> View | str | None:
        """Return what to preview, or a sentence on why there is no preview; None during a run."""
        layer, choice = self.form.layers.layer(), self.form.choice()
        if self._worker is not None:
            return None
        if layer is None or choice is None or self._problems():
            return "No preview: correct the framed field first."
        if reason := why_no_preview(choice):
            return reason
        try:
            region = visible_region(layer, self._viewer)
        except RegionError as error:
            return f"No preview. {error}"
        source, plane = source_of(layer), current_plane(layer, self._viewer.dims)
        settings, order = self.form.settings(layer), self._viewer.dims.order
        one = self.form.region.one_plane(layer)
        asked = PreviewRequest(source, plane, region, choice.reference, settings, one)
        shown = source.only(plane)

        def arguments(part: Region) -> dict[str, Any]:
            found = result_arguments(layer, shown, choice, region=part, order=order)
            return {**found, "name": f"preview of {layer.name}"}

        return View(asked, layer, choice.enlargement, arguments)

    def _source(self, layer: Image) -> Source:
        one_plane = self.form.region.one_plane(layer)
        return source_of(layer, current_plane(layer, self._viewer.dims) if one_plane else None)

    def _request(self, layer: Image, choice: ChosenModel) -> Request:
        source = self._source(layer)
        region = self.form.region.region(layer, self._viewer)
        return Request(source, choice.reference, self.form.settings(layer), source.axes, region)
