"""The fields for a model: a list, a text about the chosen model, and a button for files."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from qtpy.QtCore import Qt
from qtpy.QtGui import QStandardItem, QStandardItemModel
from qtpy.QtWidgets import QDoubleSpinBox, QFormLayout, QWidget

from napari_sr.runs.model_list import ChosenModel, ListedModel, about, known_models
from napari_sr.widgets.common.blend_chooser import BlendChooser
from napari_sr.widgets.common.checkpoint import CheckpointChooser
from napari_sr.widgets.common.label import WrappedLabel
from napari_sr.widgets.common.model_marks import (
    ADVISED,
    MarkedItems,
    advised_first,
    is_advised,
    make_room,
    show_marks,
)
from napari_sr.widgets.common.number_boxes import take_numbers
from napari_sr.widgets.common.scale_box import ScaleBox
from napari_sr.widgets.common.wheel import guard_from_wheel

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from napari_sr.advice.advise import Advice

ABOUT_LINES = 4
"""Lines reserved for the text about a model, so that no field moves when the text changes."""
_ABOUT = {
    "input_range": "The value of white that the network was trained with: 1 or 255.",
    "res_scale": "The factor of each residual branch: 1, or 0.1 in large networks.",
    "slope": "The factor of negative values: 0 (automatic) for ReLU, 0.1 for a leaky ReLU.",
}


class ModelChooser(CheckpointChooser):
    """A list of models under headings, and a button for files.

    The form lays out three of its parts separately: the text about the model, the list of scales,
    and the fields of a blend.

    Parameters
    ----------
    models : callable
        Returns the models to list; called each time the list is opened.
    """

    def __init__(
        self, models: Callable[[], list[ListedModel]] = known_models, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._known = models
        self._offered: list[ListedModel] = []
        self._advice: Advice | None = None
        self.models.setItemDelegate(MarkedItems(self.models))
        self.models.elide = Qt.TextElideMode.ElideRight  # lines begin with the model's name
        self.models.setToolTip("The network. Models that are not included are downloaded once.")
        self.about = WrappedLabel(lines=ABOUT_LINES, cut=True)
        self.scale = ScaleBox()
        self.blend = BlendChooser()
        self.questions = QFormLayout()
        self._rows.addLayout(self.questions)
        self.relist()
        self._show_model()
        self.models.opening.connect(self._open)
        self.models.currentIndexChanged.connect(self._change_model)
        # choosing the same model again clears the error of a file that could not be used
        self.models.activated.connect(self._change_model)
        self.scale.activated.connect(self._change_scale)
        self.scale.number.valueChanged.connect(self._change_scale)
        self.blend.changed.connect(self.changed)

    def choice(self) -> ChosenModel | None:
        """Return the chosen model, or None if nothing usable is chosen."""
        model = self.models.currentData()
        if model is None or self._problem is not None or self.blend.problem() is not None:
            return None
        answers = ((name, box.value()) for name, box in self._boxes().items())
        # 0 means the network's own default
        options = tuple((name, value) for name, value in answers if value)
        choice = ChosenModel(model, self.scale.scale(), options)
        other = self.blend.model()
        return choice if other is None else choice.blended(other, self.blend.weight.value())

    def _open(self) -> None:
        """Update the list before it is shown."""
        self.relist()
        make_room(self.models)

    def relist(self) -> None:
        """Update the list, because networks may have been trained, or files deleted.

        If the chosen model no longer exists, `problem` says so until the user chooses a model.
        """
        chosen, known = self.models.currentData(), advised_first(self._known(), self._advice)
        if known == self._offered:
            return
        self._offered = known
        self.models.blockSignals(True)
        self.models.clear()
        for model in (*known, *self._opened):
            self._add(model)
        show_marks(self.models, self._advice, self.scale.scale())
        found = chosen is not None and self._select(chosen.name)
        self.models.blockSignals(False)
        if found:
            self._offer_to_blend()
        elif chosen is not None:
            self._show_model()
            self._problem = f"The model {chosen.title} is no longer available: choose another one."
            self.changed.emit()

    def mark(self, advice: Advice | None) -> None:
        """Mark the advised model, and models that do not suit the layer; the choice is kept.

        The advised model moves to the top when the list is next opened; an open list does not
        change.

        Parameters
        ----------
        advice : Advice, optional
            The advice on the chosen layer, or None if there is none.
        """
        self._advice = advice
        show_marks(self.models, advice, self.scale.scale())

    def renew(self) -> None:
        """Update list and text, because models were downloaded, imported or removed."""
        self.relist()
        model: ListedModel | None = self.models.currentData()
        if model is not None and self._problem is None:
            self.about.say(about(model))

    def choose(self, name: str, scale: int | None = None) -> None:
        """Choose a model by its name or path, and optionally a scale, if they exist."""
        self._move_on()
        self.relist()
        if self._select(name) and self._problem is not None:
            self._change_model()
        found = -1 if scale is None else self.scale.findData(scale)
        if found >= 0 and found != self.scale.currentIndex():
            self.scale.setCurrentIndex(found)
            self._change_scale()

    def _select(self, name: str) -> bool:
        for index in range(self.models.count()):
            model: ListedModel | None = self.models.itemData(index)
            if model is not None and model.name == name:
                self.models.setCurrentIndex(index)
                return True
        return False

    def open_file(self, path: Path) -> None:
        """Recognise the network of a checkpoint in a thread, and choose it."""
        self.about.say(f"Reading {path.name} …")
        super().open_file(path)

    def cancel_files(self) -> None:
        """Stop reading files; the text is again that on the chosen model."""
        super().cancel_files()
        model: ListedModel | None = self.models.currentData()
        self.about.say("" if model is None else about(model))

    def _take_file(self, found: ListedModel | str) -> None:
        if isinstance(found, str):
            self._problem = found
            self.about.say("")
            self.changed.emit()
            return
        self._list_file(found)
        self.models.setCurrentIndex(self.models.count() - 1)

    def _list_file(self, found: ListedModel) -> None:
        super()._list_file(found)
        self._add(found)
        show_marks(self.models, self._advice, self.scale.scale())

    def _add(self, model: ListedModel) -> None:
        items = cast("QStandardItemModel", self.models.model())
        title = ADVISED if is_advised(model, self._advice) else model.heading
        if self.models.findText(title) < 0:
            heading = QStandardItem(title)
            heading.setFlags(Qt.ItemFlag.NoItemFlags)
            items.appendRow(heading)
        self.models.addItem(model.line, model)
        index = self.models.count() - 1
        if self.models.currentData() is None:
            self.models.setCurrentIndex(index)

    def _change_model(self) -> None:
        self._problem = None
        self._show_model()
        self.changed.emit()

    def _change_scale(self) -> None:
        self._offer_to_blend()
        self.changed.emit()

    def _offer_to_blend(self) -> None:
        model: ListedModel | None = self.models.currentData()
        self.blend.offer(model, self.scale.scale(), self._listed())

    def _show_model(self) -> None:
        model: ListedModel | None = self.models.currentData()
        self.scale.offer(model)
        while self.questions.rowCount():
            self.questions.removeRow(0)
        if model is None:
            self.about.say("There is no model: open a checkpoint file with Browse.")
            self._offer_to_blend()
            return
        for name, usual in model.questions.items():
            self._ask(name, usual)
        self.about.say(about(model))
        self._offer_to_blend()

    def _ask(self, name: str, usual: float | None) -> None:
        box = QDoubleSpinBox()
        box.setObjectName(name)
        box.setDecimals(4)
        box.setRange(0, 65535)
        box.setSpecialValueText("automatic")
        box.setValue(usual or 0)
        box.setToolTip(
            f"{_ABOUT.get(name, name)}\nThe file does not contain this value; the field starts "
            "with the usual one."
        )
        box.valueChanged.connect(self.changed)
        guard_from_wheel(box)
        take_numbers(box)
        box.setAccessibleName(name.replace("_", " "))
        self.questions.addRow(name.replace("_", " "), box)

    def _boxes(self) -> dict[str, QDoubleSpinBox]:
        boxes = self.findChildren(QDoubleSpinBox)
        return {box.objectName(): box for box in boxes}


def has_other_unit(choice: ChosenModel | None) -> bool:
    """Return whether results of the chosen model may have another unit than the image."""
    return choice is not None and choice.model.other_unit
