"""Figures of resolution of a source and its result: a table, as CSV, and in words."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from napari_sr.evaluation.measurements import csv_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_sr.evaluation._error_map import ErrorMap
    from napari_sr.evaluation._frc import Agreement

HEADS = ("measure", "unit", "source", "result", "note")
"""Headings of the table."""
CAVEAT = (
    "Sharper is not more resolved: a figure says which detail is repeatable, not whether it is "
    "true. A network that invents the same detail twice agrees with itself."
)
"""A warning for every reader of the figures."""


@dataclass(frozen=True)
class Figure:
    """One figure of both images."""

    name: str
    """What was measured, and how."""
    unit: str
    """Unit of length; "" for numbers without a unit, and for differences in values."""
    source: float | None
    """Infinity if no detail is repeatable; None if it cannot be measured."""
    result: float | None = None
    notes: tuple[str, ...] = ()
    """Why a figure is missing, or what limits it, without full stops."""

    def shown(self) -> tuple[str, str, str]:
        """Return name with unit, source and result as text for people."""
        name = f"{self.name}, {self.unit}" if self.unit else self.name
        return name, _in_words(self.source), _in_words(self.result)


@dataclass
class Resolution:
    """All figures, and the curves from which resolutions are read."""

    rows: list[Figure] = field(default_factory=list)
    curves: dict[str, Agreement] = field(default_factory=dict)
    """The agreement by spatial frequency of "source" and "result", by the best available method."""
    unit: str = "px"
    """Unit of length; frequencies are in cycles per unit."""
    notes: list[str] = field(default_factory=list)
    """Sentences on the images."""
    errors: ErrorMap | None = None
    """Where the result differs from its source; None without a result."""

    def figure(self, name: str) -> Figure:
        """Return a figure by its name.

        Raises
        ------
        KeyError
            If there is no figure of this name.
        """
        found = [row for row in self.rows if row.name == name]
        if not found:
            raise KeyError(
                f"no figure is named {name!r}; the names are {[r.name for r in self.rows]}"
            )
        return found[0]

    def text(self) -> str:
        """Return a table for people, its notes, and the caveat."""
        cells = [("", "source", "result"), *(row.shown() for row in self.rows)]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        lines = [
            f"{name:<{widths[0]}}  {source:>{widths[1]}}  {result:>{widths[2]}}".rstrip()
            for name, source, result in cells
        ]
        return "\n".join([*lines, "", *(f"{note}." for note in self.sentences()), CAVEAT])

    def sentences(self) -> list[str]:
        """Return all notes, each after the names of its figures, without full stops."""
        told: dict[str, list[str]] = {}
        for row in self.rows:
            for note in row.notes:
                told.setdefault(note, []).append(row.name)
        return [f"{'; '.join(names)}: {note}" for note, names in told.items()] + self.notes

    def csv(self, columns: Mapping[str, str] | None = None) -> str:
        """Return the table as CSV, with ten digits; "inf" where no detail is repeatable.

        Parameters
        ----------
        columns : mapping, optional
            Additional columns on the left, by heading; a column has the same text in all rows.
        """
        cells = (
            (row.name, row.unit, row.source, row.result, "; ".join(row.notes)) for row in self.rows
        )
        return csv_of(HEADS, cells, columns)


def _in_words(value: float | None) -> str:
    if value is None:
        return "-"
    return "none" if math.isinf(value) else f"{value:.4g}"
