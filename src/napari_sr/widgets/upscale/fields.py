"""The fields of the upscaling form and their layout."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from qtpy.QtWidgets import QCheckBox, QComboBox, QPushButton, QVBoxLayout, QWidget

from napari_sr.engine.planning.settings import Settings
from napari_sr.runs.words import time_in_words
from napari_sr.widgets.common.fields import RunFields
from napari_sr.widgets.common.icons import give_icon
from napari_sr.widgets.common.label import WrappedLabel
from napari_sr.widgets.common.model_chooser import ModelChooser, has_other_unit
from napari_sr.widgets.common.pixel_size import side_in_unit
from napari_sr.widgets.common.rows import beside
from napari_sr.widgets.common.then_chooser import ThenChooser
from napari_sr.widgets.upscale.advice_line import AdviceLine
from napari_sr.widgets.upscale.boxes import (
    ENGINES,
    border_box,
    engine_box,
    outliers_box,
    precision_box,
    tile_box,
    usual_engine,
)
from napari_sr.widgets.upscale.ensemble_box import EnsembleBox
from napari_sr.widgets.upscale.layer_chooser import LayerChooser
from napari_sr.widgets.upscale.noise_box import NoiseBox
from napari_sr.widgets.upscale.output_chooser import OutputChooser
from napari_sr.widgets.upscale.region_chooser import RegionChooser

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari.layers import Image

    from napari_sr.runs.model_list import ChosenModel

FORECAST_LINES = 3
"""Lines reserved for the forecast, so that no button moves when it arrives."""


class UpscaleFields(RunFields):
    """Fields, buttons and lines of text; no logic."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Run", "Cancel", parent=parent)
        self.layers = LayerChooser()
        self.model = ModelChooser()
        self.then = ThenChooser()
        self.all_models = QPushButton("All models…")
        self.all_models.setToolTip("Compare, download and import models in a table.")
        give_icon(self.all_models, "table")
        self.tile = tile_box()
        self.precision = precision_box()
        self.engine = engine_box()
        self.outliers = outliers_box()
        self.border = border_box()
        self.noise = NoiseBox()
        self.consistent = QCheckBox("with the source")
        self.consistent.setToolTip(
            "Correct the result until it agrees with its source when it is shrunk again (iterated\n"
            "back-projection: Irani and Peleg, 1991). Not for noisy images: it restores the noise."
        )
        self.model.scale.allow_any()
        self.views = EnsembleBox()
        self.ensemble, self.spread = self.views.mean, self.views.spread
        self.advice = AdviceLine()
        self.region = RegionChooser()
        self.output = OutputChooser()
        self.preview = QPushButton("Preview")
        self.preview.setCheckable(True)
        give_icon(self.preview, "preview")
        self.preview.setToolTip(
            "Show the model's result for the visible region, also while you pan, zoom or change\n"
            "the model. The preview is a layer, which is removed when you switch the preview off."
        )
        self.aside = [self.preview]
        self.pause = QPushButton("Pause")
        give_icon(self.pause, "pause")
        self.about_preview = WrappedLabel()
        self.results = QVBoxLayout()
        self.forecast = WrappedLabel(lines=FORECAST_LINES)
        self._lay_out()

    def _lay_out(self) -> None:
        rows = (
            ("Layer", self.layers),
            ("Model", self.model),
            ("", self.model.about),
            ("", self.advice),
            ("Scale", beside(self.model.scale, beside(self.model.scale.number, self.all_models))),
            ("Tile", self.tile),
            ("Region", self.region),
        )
        more = (
            ("Values", self.values),
            ("Output", self.output),
            ("Consistent", self.consistent),
            ("Ensemble", self.views),
            ("Blend", self.model.blend),
            ("Then", self.then),
            ("Noise", self.noise),
            ("Border", self.border),
            ("Outliers", self.outliers),
            ("Device", self.device),
            ("Precision", self.precision),
            ("Engine", self.engine),
        )
        below = QWidget()
        below.setLayout(self.results)
        self.results.setContentsMargins(0, 0, 0, 0)
        self.arrange(rows, above=[self.forecast], below=[self.about_preview, below], more=more)

    def checked(self) -> dict[str, QWidget]:
        """Return the fields whose values may be wrong, by name."""
        return {
            "layer": self.layers,
            "model": self.model.models,
            "blend": self.model.blend.models,
            "then": self.then.models,
            "scale": self.model.scale,
            "values": self.values.kind,
            "outliers": self.outliers,
            "consistent": self.consistent,
            "noise": self.noise,
            "output": self.output.kind,
            "folder": self.output.path,
            "tile": self.tile,
            "region": self.region.area,
            "device": self.device,
            "engine": self.engine,
        }

    def choice(self) -> ChosenModel | None:
        """Return the chosen models, and whether to make their result consistent."""
        layer, scale = self.layers.layer(), self.model.scale
        scale.follow("" if layer is None else side_in_unit(layer))
        found, then = self.model.choice(), self.then.model()
        if found is None or scale.problem() is not None:
            return None
        consistent, factor = self.consistent.isChecked(), scale.factor()
        return replace(found, consistent=consistent, then=then, factor=factor)

    def differences(self) -> list[str]:
        """Return the settings under More that differ from their defaults, in words."""
        second, then = self.model.blend.model(), self.then.model()
        boxes = {
            "border": self.border, "outliers": self.outliers, "device": self.device,
            "precision": self.precision, "engine": self.engine,
        }  # fmt: skip
        folder = self.output.folder()
        found = {
            "values": self.values.difference(),
            "output": "" if folder is None else folder.name,
            "": self.views.difference(),
            "consistent": "with the source" if self.consistent.isChecked() else "",
            "noise": self.noise.text().strip(),
            "blend with": "" if second is None else second.title,
            "then": "" if then is None else then.label,
            **{
                name: box.currentText().partition(":")[0] if box.currentIndex() else ""
                for name, box in boxes.items()
            },
        }
        return [f"{name} {words}".strip() for name, words in found.items() if words]

    def use_defaults(self) -> None:
        """Set all fields under More to their defaults."""
        self.values.use_default()
        self.output.use_default()
        self.views.choose(mean=False, spread=False)
        self.consistent.setChecked(False)
        self.noise.clear()
        self.model.blend.choose_none()
        self.then.choose_none()
        for box in (self.border, self.outliers, self.precision):
            box.setCurrentIndex(0)
        self.device.use_default()
        self.engine.setCurrentText(usual_engine())

    def choices(self) -> dict[str, Any]:
        """Return the choices that the form remembers from one session to the next."""
        model = self.model.models.currentData()
        return {
            "model": None if model is None else model.name,
            "scale": self.model.scale.remembered(),
            "tile": self.tile.value(),
            "ensemble": self.ensemble.isChecked(),
            "consistent": self.consistent.isChecked(),
            "spread": self.spread.isChecked(),
            **{name: str(box.currentData()) for name, box in self._remembered().items()},
            "more": self.more.is_open,
        }

    def choose(self, choices: Mapping[str, Any]) -> None:
        """Set the fields to remembered choices; leave out choices that no longer exist."""
        if isinstance(choices.get("model"), str):
            self.model.choose(choices["model"])
        self.model.scale.choose(choices.get("scale"))
        if isinstance(choices.get("tile"), int):
            self.tile.setValue(min(max(choices["tile"], 0), self.tile.maximum()))
        mean, spread = (choices.get(name) is True for name in ("ensemble", "spread"))
        self.views.choose(mean=mean, spread=spread)
        self.consistent.setChecked(choices.get("consistent") is True)
        for name, box in self._remembered().items():
            found = box.findData(choices.get(name))
            box.setCurrentIndex(max(found, 0))
        if "engine" not in choices:
            self.engine.setCurrentText(usual_engine())
        self.more.open(choices.get("more") is True)

    def _remembered(self) -> dict[str, QComboBox]:
        return {
            "border": self.border,
            "outliers": self.outliers,
            "precision": self.precision,
            "engine": self.engine,
        }

    def settings(self, layer: Image) -> Settings:
        """Return the settings of a run on a layer."""
        engine, kernels = self.engine_and_kernels()
        return Settings(
            tile=self.tile.value() or None,
            device=self.device.device(),
            value_range=None if has_other_unit(self.choice()) else self.values.value(layer),
            precision=str(self.precision.currentData()),
            outliers=str(self.outliers.currentData()),
            ensemble=self.ensemble.isChecked(),
            spread=self.spread.isChecked(),
            engine=engine,
            kernels=kernels,
            border=str(self.border.currentData()),
            noise=self.noise.level(),
        )

    def engine_and_kernels(self) -> tuple[str, str]:
        """Return the settings `engine` and `kernels` that are chosen."""
        return ENGINES[self.engine.currentText()]

    def show_time_left(self, seconds: float | None) -> None:
        """Show the remaining time of a run instead of the forecast."""
        if seconds is not None:
            self.forecast.say(f"{time_in_words(seconds)} left, as measured on the tiles so far.")
