"""The field for a second model, which reads the result of the first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_sr.runs.model_list import ChosenModel, ListedModel, known_models
from napari_sr.runs.words import TIMES
from napari_sr.widgets.common.checkpoint import CheckpointChooser

if TYPE_CHECKING:
    from collections.abc import Callable

    from qtpy.QtWidgets import QWidget

NOTHING = "nothing"
_ABOUT = (
    "Another model that reads the result of the first, in the same run: such as one that enlarges\n"
    "after one that only restores. Both must be for colour, or both for one channel."
)


class ThenChooser(CheckpointChooser):
    """A list of models at each of their scales, and of opened files.

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
        self.models.setToolTip(_ABOUT)
        self.browse.setAccessibleName("Browse for a model that reads the result")
        self.models.addItem(NOTHING, None)  # listing all models would delay the form
        self.models.opening.connect(self.relist)
        self.models.activated.connect(self._change)

    def model(self) -> ChosenModel | None:
        """Return the second model, or None if none is chosen."""
        chosen: ChosenModel | None = self.models.currentData()
        return chosen

    def relist(self) -> None:
        """Update the list; the choice stays, if it still exists."""
        before, chosen = self.models.currentText(), self.model()
        choices = [
            ChosenModel(model, scale, tuple(model.options))
            for model in (*self._known(), *self._opened)
            if model.training().can_follow
            for scale in model.scales
        ]
        self.models.clear()
        self.models.addItem(NOTHING, None)
        for choice in choices:
            self.models.addItem(f"{choice.model.title}, {choice.scale} {TIMES}", choice)
        names = [_key(choice) for choice in (None, *choices)]
        same = _key(chosen)
        # two files in different folders may have the same title
        found = names.index(same) if chosen and same in names else self.models.findText(before)
        if before and found < 0:
            self._problem = f"The model {before} is no longer available: choose another one."
        self.models.setCurrentIndex(max(found, 0))

    def choose_none(self) -> None:
        """Choose no second model."""
        self._problem = None
        self.models.setCurrentIndex(0)

    def _take_file(self, found: ListedModel | str) -> None:
        self._problem = found if isinstance(found, str) else None
        if isinstance(found, ListedModel):
            self._list_file(found)
            self.models.setCurrentIndex(self.models.count() - 1)
            if len(found.scales) > 1:
                self.models.setCurrentIndex(0)
                self._problem = f"{found.title} has several possible scales: choose one."
        self.changed.emit()

    def _list_file(self, found: ListedModel) -> None:
        others = [model for model in self._opened if model.name != found.name]
        self._opened = [*others, found]
        self.relist()

    def _change(self) -> None:
        self._problem = None
        self.changed.emit()


def _key(choice: ChosenModel | None) -> tuple[str, int] | None:
    """Return name or path, and scale, which tell the choices apart."""
    return None if choice is None else (choice.model.name, choice.scale)
