"""The fields for a second checkpoint and its share in a blend."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Qt
from superqt import QLabeledDoubleSlider

from napari_sr.widgets.common.checkpoint import CheckpointChooser

if TYPE_CHECKING:
    from collections.abc import Iterable

    from qtpy.QtWidgets import QWidget

    from napari_sr.runs.model_list import ListedModel

NOTHING = "nothing"
HALF_WAY = 0.5
_ABOUT = (
    "A second checkpoint of the same network, such as one fine-tuned for sharper texture.\n"
    "Each parameter becomes a weighted mean of both (ESRGAN's network interpolation).\n"
    "The second checkpoint must have been fine-tuned from the first."
)


class BlendChooser(CheckpointChooser):
    """A list of second checkpoints, and a slider that appears once one is chosen."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.models.setToolTip(_ABOUT)
        self.browse.setAccessibleName("Browse for a second checkpoint")
        self.weight = QLabeledDoubleSlider(Qt.Orientation.Horizontal)
        self.weight.setAccessibleName("Share of the second checkpoint")
        self.weight.setRange(0, 1)
        self.weight.setDecimals(2)
        self.weight.setSingleStep(0.05)  # type: ignore[arg-type]  # typed as QSlider's integers
        self.weight.setValue(HALF_WAY)
        self.weight.setToolTip(
            "Share of the second checkpoint: 0 is the first alone, 1 the second alone."
        )
        self._first: ListedModel | None = None
        self._scale: int | None = None
        self._rows.addWidget(self.weight)
        self.offer(None, None, ())
        self.models.activated.connect(self._change)
        self.weight.valueChanged.connect(self.changed)

    def model(self) -> ListedModel | None:
        """Return the second checkpoint, or None if none is chosen."""
        chosen: ListedModel | None = self.models.currentData()
        return chosen

    def offer(
        self, first: ListedModel | None, scale: int | None, others: Iterable[ListedModel]
    ) -> None:
        """List the checkpoints that a model can be blended with: same network, same scale.

        If the chosen checkpoint no longer exists, `problem` says so until the user chooses another
        one, or none.

        Parameters
        ----------
        first : ListedModel or None
            The chosen model.
        scale : int or None
            The chosen scale.
        others : iterable of ListedModel
            All known models. The list also has the files that were opened here.
        """
        before = self.model()
        if (first, scale) != (self._first, self._scale):
            self._first, self._scale, self._problem = first, scale, None
            before = None if before is None or not self._fits(before) else before
        # a file that was opened in both lists appears once
        fitting = {each.name: each for each in (*others, *self._opened) if self._fits(each)}
        self.models.clear()
        self.models.addItem(NOTHING, None)
        for each in fitting.values():
            self.models.addItem(each.title, each)
        if before is not None and before.name not in fitting:
            gone = f"The checkpoint {before.title} is no longer available"
            self._problem = f"{gone}: choose another one, or {NOTHING}."
        self.setEnabled(first is not None and not first.computed)
        self._choose(None if before is None else before.name)

    def _take_file(self, found: ListedModel | str) -> None:
        self._problem = found if isinstance(found, str) else self._misfit(found)
        if not isinstance(found, str) and self._problem is None:
            self._opened.append(found)
            self.models.addItem(found.title, found)
            self.models.setCurrentIndex(self.models.count() - 1)
            self.weight.setVisible(True)
        self.changed.emit()

    def _misfit(self, found: ListedModel) -> str | None:
        """Return the reason why a file cannot be blended in, or None."""
        first = self._first
        if first is None or self._fits(found):
            return None
        if found.name == first.name:
            return f"Cannot blend {first.title} with itself"
        scales = " or ".join(f"x{scale}" for scale in found.scales)
        return (
            f"Cannot blend {first.title} ({first.architecture}, x{self._scale}) with {found.title} "
            f"({found.architecture}, {scales}): both must have the same network and scale, and "
            "both must be for luma or both for grey images"
        )

    def _fits(self, other: ListedModel) -> bool:
        first = self._first
        if first is None or first.computed or first.name == other.name:
            return False
        scaled = self._scale in other.scales or not other.scale_is_known
        alike = (first.architecture, first.grey) == (other.architecture, other.grey)
        return alike and scaled

    def choose_none(self) -> None:
        """Choose no second checkpoint."""
        self._problem = None
        self._choose(None)

    def _choose(self, name: str | None) -> None:
        """Choose a second checkpoint by its name, or none if it is not listed."""
        names = [None, *(model.name for model in self._listed())]
        self.models.setCurrentIndex(names.index(name) if name in names else 0)
        self.weight.setVisible(self.model() is not None)

    def _change(self) -> None:
        self._problem = None
        self.weight.setVisible(self.model() is not None)
        self.changed.emit()
