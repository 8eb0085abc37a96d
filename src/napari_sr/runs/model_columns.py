"""The columns of the table of models: texts of cells, and sort keys of rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from napari_sr.runs.model_speed import short_seconds
from napari_sr.runs.words import TIMES, short_counts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from napari_sr.runs.model_table import ModelRow

Key: TypeAlias = float | str | None
NONE = "\u2013"
"""Text of a cell whose value is unknown."""


@dataclass(frozen=True)
class Column:
    """One column."""

    title: str
    tip: str
    """A sentence on what the column shows."""
    text: Callable[[ModelRow], str]
    """Text of the cell."""
    key: Callable[[ModelRow], Key]
    """Sort key of a row. Rows with the key None are last in either direction."""


def _scales(row: ModelRow) -> str:
    if not row.model.scale_is_known:
        return "any"
    return ", ".join(f"{TIMES}{one.scale}" for one in row.scales)


def _installed(row: ModelRow) -> str:
    here = sum(one.path is not None for one in row.scales)
    if not here:
        return f"no, {sum(entry.size for entry in row.missing) / 1e6:.1f} MB"
    if here < len(row.scales):
        return f"{here} of {len(row.scales)}"
    return "included" if row.model.entries and row.model.entries[0].url is None else "yes"


def _joined(texts: Iterable[str | None]) -> str:
    """Join texts with slashes, with a dash for None; if all are equal, return only one."""
    found = [NONE if text is None else text for text in texts]
    return " / ".join(found if len(set(found)) > 1 else found[:1])


def _psnr(row: ModelRow) -> str:
    return _joined(None if one.psnr is None else f"{one.psnr:.2f}" for one in row.scales)


def _speed(row: ModelRow) -> str:
    speeds = [one.speed for one in row.scales]
    return _joined(None if one is None else short_seconds(one.seconds) for one in speeds)


def _parameters(row: ModelRow) -> str:
    counts = [one.parameters for one in row.scales if one.parameters is not None]
    return short_counts(counts) if any(counts) else NONE


def _least_seconds(row: ModelRow) -> Key:
    return min((one.speed.seconds for one in row.scales if one.speed is not None), default=None)


def _best_psnr(row: ModelRow) -> Key:
    return max((one.psnr for one in row.scales if one.psnr is not None), default=None)


def _most_parameters(row: ModelRow) -> Key:
    return max((one.parameters for one in row.scales if one.parameters), default=None)


def _purpose(row: ModelRow) -> str:
    return row.model.purpose or NONE


COLUMNS = (
    Column(
        "Model",
        "The name in the list of models.",
        lambda row: row.model.title,
        lambda row: row.model.title.lower(),
    ),
    Column("For", "What the model is for.", _purpose, lambda row: row.model.purpose or None),
    Column(
        "Installed",
        "Whether the model is on this machine; if not, the size of its download.",
        _installed,
        lambda row: len([one for one in row.scales if one.path is None]) / len(row.scales),
    ),
    Column(
        "Scale",
        "How many times larger the result is. If there are several scales, figures in other "
        "columns are in the same order.",
        _scales,
        lambda row: row.scales[-1].scale,
    ),
    Column(
        "PSNR, dB",
        "How close results are to the original: mean PSNR of luma over the photographs of Set5, "
        "measured by us. Larger is better. Compare only figures of the same scale.",
        _psnr,
        _best_psnr,
    ),
    Column(
        "s per MP",
        "Seconds per megapixel of the source, measured on this machine with PyTorch at the default "
        "settings. Press Measure speed to fill it in.",
        _speed,
        _least_seconds,
    ),
    Column(
        "Parameters",
        "Number of trained parameters; for your own files, number of all values.",
        _parameters,
        _most_parameters,
    ),
    Column(
        "Year",
        "Year in which the network was first published.",
        lambda row: NONE if row.year is None else str(row.year),
        lambda row: row.year,
    ),
    Column(
        "Licence",
        "Licence of the weights, as their authors state it.",
        lambda row: row.licence,
        lambda row: row.licence.lower(),
    ),
    Column(
        "Trained on",
        "The training images.",
        lambda row: row.trained_on,
        lambda row: row.trained_on.lower(),
    ),
)
"""All columns, from left to right."""
