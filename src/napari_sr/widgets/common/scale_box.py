"""The list of a model's scales, and fields for any factor and for the result's pixel size."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from qtpy.QtCore import QSize  # noqa: TC002  # an annotation of an overridden method
from qtpy.QtWidgets import QAbstractSpinBox, QComboBox, QDoubleSpinBox, QWidget

from napari_sr.graph.factor import Factor, exact_factor, factor_in, number_of
from napari_sr.runs.factor import LARGEST, factor_for
from napari_sr.runs.words import TIMES
from napari_sr.widgets.common.number_boxes import take_numbers
from napari_sr.widgets.common.wheel import guard_from_wheel

if TYPE_CHECKING:
    from napari_sr.runs.model_list import ListedModel

RESTORES = ", restores"
"""Stands behind the scale 1."""
FACTOR, SIZE = "any factor", "pixel size"
"""Items after the scales, and their data."""
USUAL = 2.5
"""The factor before the user types one."""
DIGITS = 7
"""Significant digits that are shown."""
DECIMALS = 12
"""Decimals of a pixel size that are kept."""


class NumberBox(QDoubleSpinBox):
    """A number, shown with as many digits as it needs."""

    def __init__(self) -> None:
        super().__init__()
        self.setButtonSymbols(QAbstractSpinBox.ButtonSymbols.NoButtons)

    def textFromValue(self, value: float) -> str:  # noqa: N802
        """Return the text of a value."""
        return self.locale().toString(value, "g", DIGITS)

    def sizeHint(self) -> QSize:  # noqa: N802
        """Return the size of a box with the longest usual text."""
        size = super().sizeHint()
        longest = f"{self.textFromValue(0.108333)}{self.suffix()}mm"
        size.setWidth(self.fontMetrics().horizontalAdvance(longest))
        return size

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        """Return the same size."""
        return self.sizeHint()


class ScaleBox(QComboBox):
    """The scales of a model, and beside them, if it is allowed, a number for any factor.

    Attributes
    ----------
    number : QDoubleSpinBox
        The factor, or the pixel size; visible only while one of them is chosen.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.number = NumberBox()
        self.number.hide()
        guard_from_wheel(self.number)
        take_numbers(self.number)
        self._any = False
        self._model: ListedModel | None = None
        self._pixel: tuple[float, str] | str = ""
        self.currentIndexChanged.connect(self._show_number)

    def allow_any(self) -> None:
        """Offer any factor and the pixel size after the scales of each model."""
        self._any = True
        self.offer(self._model)

    def offer(self, model: ListedModel | None) -> None:
        """List the scales of a model; keep the choice if it is possible."""
        before, self._model = self.currentData(), model
        self.blockSignals(True)
        self.clear()
        for scale in () if model is None else model.scales:
            self.addItem(f"{scale} {TIMES}{RESTORES * (scale == 1)}", scale)
        if self._any and model is not None and model.scale_is_known:
            self.addItem(FACTOR, FACTOR)
            self.addItem(SIZE, SIZE)
        self.setCurrentIndex(0 if self.count() else -1)
        found = self.findData(before)
        if found > 0:
            self.setCurrentIndex(found)
        self.blockSignals(False)
        self.setToolTip("" if model is None else _about(model, any_factor=self._any))
        self._show_number()

    def follow(self, pixel: tuple[float, str] | str) -> None:
        """Take the size of the layer's pixels and its unit, or a sentence on why it is unknown."""
        if pixel != self._pixel:
            self._pixel = pixel
            if self.currentData() == SIZE:
                self._show_number()

    def remembered(self) -> int | str:
        """Return the choice for the next session: a scale, or the factor as text."""
        return str(self.factor()) if self.currentData() == FACTOR else self.scale()

    def choose(self, choice: object) -> None:
        """Choose what `remembered` returned, if it is possible."""
        found = self.findData(FACTOR if isinstance(choice, str) else choice)
        if found < 0:
            return
        self.setCurrentIndex(found)
        if isinstance(choice, str):
            with suppress(ValueError):
                self.number.setValue(number_of(factor_in(choice)))

    def scale(self) -> int:
        """Return the scale of the network that runs; 1 without a model."""
        chosen = self.currentData()
        if isinstance(chosen, int):
            return chosen
        scales = () if self._model is None else self._model.scales
        factor = self.factor() or 1
        return min((one for one in scales if one >= factor), default=max(scales, default=1))

    def factor(self) -> Factor | None:
        """Return the factor of the result, or None if it is the scale or wrong."""
        chosen = self.currentData()
        if chosen == FACTOR:
            return exact_factor(self.number.value())
        if chosen != SIZE or isinstance(self._pixel, str):
            return None
        try:
            return factor_for(self._pixel[0], round(self.number.value(), DECIMALS))
        except ValueError:
            return None

    def problem(self) -> str | None:
        """Return what is wrong, or None."""
        if self.currentData() != SIZE:
            return None
        if isinstance(self._pixel, str):
            return self._pixel or None  # without a layer, nothing is wrong here
        if self.factor() is not None:
            return None
        size, unit = self._pixel
        return (
            f"The pixels of the result must have from {size / LARGEST:.4g} to {size:.4g} {unit}, "
            f"got {self.number.value():g}"
        )

    def _show_number(self) -> None:
        """Show the number that the chosen item needs, with a usual value if the item is new."""
        chosen = self.currentData()
        is_new = chosen != self.number.property("kind")
        self.number.setVisible(chosen in (FACTOR, SIZE))
        self.number.blockSignals(True)
        if chosen == FACTOR:
            self._set_up(f" {TIMES}", 4, 1, LARGEST, "Factor")
            if is_new:
                self.number.setValue(USUAL)
        elif chosen == SIZE and not isinstance(self._pixel, str):
            size, unit = self._pixel
            self._set_up(f" {unit}", DECIMALS, 0, 1e9, "Pixel size of the result")
            if is_new:
                self.number.setValue(size / 2)
        self.number.setProperty("kind", chosen)
        self.number.blockSignals(False)

    def _set_up(self, suffix: str, decimals: int, low: float, high: float, name: str) -> None:
        self.number.setDecimals(decimals)
        self.number.setRange(low, high)
        self.number.setSuffix(suffix)
        self.number.setAccessibleName(name)
        self.number.setToolTip(
            "The network with the next larger scale runs, and its result is shrunk to this size.\n"
            "The result lies exactly on the layer."
        )


def _about(model: ListedModel, *, any_factor: bool) -> str:
    if not model.scale_is_known:
        return "The file does not show for which scale it was trained: choose that scale."
    if model.scales == (1,):
        return "The model restores images, and does not enlarge them."
    more = "\nWith any factor or pixel size, a result of the next larger scale is shrunk to it."
    return "How many times larger the result is. The model exists for these scales." + (
        more if any_factor else ""
    )
