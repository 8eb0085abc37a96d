"""The table of models: Qt's model of the rows, their order and filter, and the view."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QAbstractTableModel, QModelIndex, QSortFilterProxyModel, Qt, Signal
from qtpy.QtWidgets import QAbstractItemView, QTableView, QWidget

from napari_sr.runs.model_columns import COLUMNS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qtpy.QtCore import QItemSelection

    from napari_sr.runs.model_table import ModelRow

KEY = Qt.ItemDataRole.UserRole
"""The role of the value by which a column is sorted."""
WIDEST = 190
"""Largest width of a column in screen pixels, until the user widens it."""
LINES = 9
"""Smallest number of visible rows."""


class ModelsTable(QAbstractTableModel):
    """The rows of `runs.model_table`, one cell for each of `COLUMNS`."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.rows: list[ModelRow] = []

    def show(self, rows: Sequence[ModelRow]) -> None:
        """Replace all rows."""
        self.beginResetModel()
        self.rows = list(rows)
        self.endResetModel()

    def rowCount(self, parent: QModelIndex | None = None) -> int:  # noqa: N802  # Qt's name
        """Return the number of rows."""
        return 0 if parent is not None and parent.isValid() else len(self.rows)

    def columnCount(self, parent: QModelIndex | None = None) -> int:  # noqa: N802  # Qt's name
        """Return the number of columns."""
        return 0 if parent is not None and parent.isValid() else len(COLUMNS)

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return text, tooltip or sorting key of a cell."""
        row, column = self.rows[index.row()], COLUMNS[index.column()]
        if role == KEY:
            return column.key(row)
        if role == Qt.ItemDataRole.ToolTipRole:
            about = row.model.summary if index.column() == 0 else column.text(row)
            return f"{row.model.title}: {about}"
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{column.title}: {column.text(row)}"
        return column.text(row) if role == Qt.ItemDataRole.DisplayRole else None

    def headerData(  # noqa: N802  # Qt's name
        self,
        section: int,
        orientation: Qt.Orientation,
        role: int = Qt.ItemDataRole.DisplayRole,
    ) -> Any:
        """Return title or tooltip of a column."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.ToolTipRole:
            return COLUMNS[section].tip
        return COLUMNS[section].title if role == Qt.ItemDataRole.DisplayRole else None


class ShownRows(QSortFilterProxyModel):
    """The rows that match the search, in the order that the user chose."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.table = ModelsTable(parent)
        self._words, self._installed_only = "", False
        self.setSourceModel(self.table)

    def search(self, words: str, installed_only: bool) -> None:
        """Show only rows that contain all words and, if wanted, need no download."""
        self._words, self._installed_only = words, installed_only
        self.invalidate()

    def row(self, number: int) -> ModelRow:
        """Return a shown row."""
        return self.table.rows[self.mapToSource(self.index(number, 0)).row()]

    def filterAcceptsRow(  # noqa: N802  # Qt's name
        self, source_row: int, source_parent: QModelIndex
    ) -> bool:
        """Return whether a row is shown."""
        row = self.table.rows[source_row].found(self._words)
        return row is not None and (row.is_installed or not self._installed_only)

    def lessThan(self, source_left: QModelIndex, source_right: QModelIndex) -> bool:  # noqa: N802
        """Compare two rows by the column's key; rows without a key come last in both orders."""
        column = COLUMNS[source_left.column()]
        left, right = (
            column.key(self.table.rows[one.row()]) for one in (source_left, source_right)
        )
        if left is None or right is None:
            descending = self.sortOrder() == Qt.SortOrder.DescendingOrder
            return (left is None) == descending and left is not right
        return bool(left < right)  # type: ignore[operator]  # one column has keys of one type


def _column(title: str) -> int:
    return next(at for at, one in enumerate(COLUMNS) if one.title == title)


class ModelsView(QTableView):
    """The table on the screen; whole rows are selected, several with Shift or Ctrl."""

    chosen = Signal()
    """Emitted when the user presses Enter on a row, or double-clicks it."""
    changed = Signal()
    """Emitted when other rows are selected."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.shown = ShownRows(self)
        self.setModel(self.shown)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setTabKeyNavigation(False)  # Tab leaves the table
        self.setWordWrap(False)
        self.setShowGrid(False)
        self.setCornerButtonEnabled(False)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setAccessibleName("Models")
        height = self.fontMetrics().height() + 6
        if (left := self.verticalHeader()) is not None:
            left.hide()
            left.setDefaultSectionSize(height)
        if (top := self.horizontalHeader()) is not None:
            top.setHighlightSections(False)
            top.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
            # keep the order of the list of models until the user clicks a column's title
            top.setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
        self.setSortingEnabled(True)
        self.setMinimumHeight((LINES + 1) * height)
        self._sized = False
        self.activated.connect(self._choose)

    def show_rows(self, rows: Sequence[ModelRow]) -> None:
        """Replace the rows; what is selected stays selected."""
        names = {row.model.name for row in self.selected()}
        self.shown.table.show(rows)
        self.select(names)
        if not self._sized:
            self._sized = True
            self.resizeColumnsToContents()
            for column in range(len(COLUMNS)):
                self.setColumnWidth(column, min(self.columnWidth(column), WIDEST))

    def fit(self, title: str) -> None:
        """Widen a column to its longest text."""
        self.resizeColumnToContents(_column(title))

    def show_column(self, title: str) -> None:
        """Scroll sideways to a column."""
        place = self.currentIndex().row()
        self.scrollTo(self.shown.index(max(place, 0), _column(title)))

    def selected(self) -> list[ModelRow]:
        """Return the selected rows from top to bottom."""
        selection = self.selectionModel()
        found = [] if selection is None else selection.selectedRows()
        return [self.shown.row(number) for number in sorted(index.row() for index in found)]

    def select(self, names: set[str]) -> None:
        """Select the rows with these names, and show the first."""
        self.clearSelection()
        mode = self.selectionMode()
        self.setSelectionMode(QAbstractItemView.SelectionMode.MultiSelection)
        rows = range(self.shown.rowCount())
        found = [row for row in rows if self.shown.row(row).model.name in names]
        for row in found:
            self.selectRow(row)
        self.setSelectionMode(mode)
        if found:
            self.scrollTo(self.shown.index(found[0], 0))

    def selectionChanged(  # noqa: N802  # Qt's name
        self, selected: QItemSelection, deselected: QItemSelection
    ) -> None:
        """Emit `changed`."""
        super().selectionChanged(selected, deselected)
        self.changed.emit()

    def _choose(self) -> None:
        self.chosen.emit()
