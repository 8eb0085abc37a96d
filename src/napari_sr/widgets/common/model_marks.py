"""Marks in the list of models: the model advised for the layer, and models that do not suit it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QStyledItemDelegate

if TYPE_CHECKING:
    from qtpy.QtCore import QModelIndex
    from qtpy.QtWidgets import QComboBox, QStyleOptionViewItem

    from napari_sr.advice.advise import Advice
    from napari_sr.runs.model_list import ListedModel

ADVISED = "Advised for this layer"
"""Heading and mark of the advised model."""
NOT_FOR_IT = "not for this layer"
SPACE, WIDEST = 24, 640
"""Pixels beside the text for frame and scrollbar, and the largest width of the open list."""
MARK = int(Qt.ItemDataRole.UserRole) + 1
"""Item data role of a mark: a few words, or None for no mark."""


class MarkedItems(QStyledItemDelegate):
    """Draws a mark after the name of a model in the open list."""

    def initStyleOption(  # noqa: N802  # Qt's name
        self, option: QStyleOptionViewItem | None, index: QModelIndex
    ) -> None:
        """Add the mark to the text that is drawn; the closed list shows the name alone."""
        super().initStyleOption(option, index)
        mark = index.data(MARK)
        if mark and option is not None:
            option.text = f"{option.text} – {mark}"  # noqa: RUF001  # a dash between two texts


def advised_first(models: list[ListedModel], advice: Advice | None) -> list[ListedModel]:
    """Return models with the advised one at the beginning."""
    return sorted(models, key=lambda model: not is_advised(model, advice))


def is_advised(model: ListedModel, advice: Advice | None) -> bool:
    """Return whether the advice names a listed model, at any scale."""
    return advice is not None and any(entry.name == advice.model for entry in model.entries)


def show_marks(box: QComboBox, advice: Advice | None, scale: int | None) -> None:
    """Mark the models of a list in words, on screen and for screen readers.

    Parameters
    ----------
    box : QComboBox
        The list. The data of an item is a `ListedModel`, or None for a heading.
    advice : Advice, optional
        The advice on the chosen layer; without it, all marks are removed.
    scale : int, optional
        The chosen scale.
    """
    for index in range(box.count()):
        model: ListedModel | None = box.itemData(index)
        if model is None:
            continue
        mark, why = _mark(model, advice, scale)
        read = ", ".join(filter(None, (model.line, mark)))
        box.setItemData(index, mark, MARK)
        box.setItemData(index, read, Qt.ItemDataRole.AccessibleTextRole)
        for role in (Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleDescriptionRole):
            box.setItemData(index, "\n".join(filter(None, (model.summary, why))), role)


def make_room(box: QComboBox) -> None:
    """Widen a list before it is opened, so that names and marks are not cut."""
    view = box.view()
    if view is not None:
        view.setMinimumWidth(min(view.sizeHintForColumn(0) + SPACE, WIDEST))


def _mark(model: ListedModel, advice: Advice | None, scale: int | None) -> tuple[str | None, str]:
    """Return a mark of a few words, or None, and an explanation in sentences."""
    if advice is None:
        return None, ""
    if is_advised(model, advice):
        return ADVISED.lower(), f"{ADVISED}: {advice.reason}"
    told = advice.on(model.title, model.training(scale))
    against = [remark for remark in told if remark.against]
    mark = f"{NOT_FOR_IT}: {against[0].short}" if against else None
    return mark, " ".join(f"{remark.sentence}." for remark in told)
