"""Numbers about a result and its reference, as the rows of a table and as CSV."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

HEADS = ("region", "measure", "unit", "result", "reference", "difference", "difference in %")
"""Headings of a table of measurements."""


@dataclass(frozen=True)
class Measurement:
    """One number of both planes in one region."""

    region: str
    name: str
    unit: str
    """Symbol of the unit; "" for intensities, which have the unit of the pixels."""
    result: float
    reference: float | None = None
    """None for numbers that compare the two, such as PSNR."""

    @property
    def difference(self) -> float | None:
        """Result minus reference."""
        return None if self.reference is None else self.result - self.reference

    @property
    def percent(self) -> float | None:
        """The difference as a percentage of the reference; None if the reference is 0."""
        return 100 * (self.difference or 0.0) / abs(self.reference) if self.reference else None

    @property
    def cells(self) -> tuple[str | float | None, ...]:
        """The row of a table, in the order of `HEADS`."""
        numbers = self.result, self.reference, self.difference, self.percent
        return self.region, self.name, self.unit, *numbers


@dataclass
class Measurements:
    """All numbers, and notes about numbers that are missing."""

    rows: list[Measurement] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """Sentences on what is missing, and why."""

    def csv(self, columns: Mapping[str, str] | None = None) -> str:
        """Return the table as CSV, with ten digits.

        Parameters
        ----------
        columns : mapping, optional
            Additional columns on the left, by heading; a column has the same text in all rows.
        """
        return csv_of(HEADS, (row.cells for row in self.rows), columns)


def csv_of(
    heads: Iterable[str],
    rows: Iterable[Iterable[str | float | None]],
    columns: Mapping[str, str] | None = None,
) -> str:
    """Return a table as CSV: numbers with ten digits, None as an empty cell.

    Parameters
    ----------
    heads : iterable of str
        Headings.
    rows : iterable
        Cells of each row.
    columns : mapping, optional
        Additional columns on the left, by heading; a column has the same text in all rows.
    """
    more = columns or {}
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow((*more, *heads))
    for cells in rows:
        writer.writerow((*more.values(), *map(_digits, cells)))
    return text.getvalue()


def _digits(cell: str | float | None) -> str:
    if cell is None:
        return ""
    return cell if isinstance(cell, str) else f"{cell:.10g}"
