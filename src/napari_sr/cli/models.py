"""The command `napari-sr models`: list networks with their cost, and models by name."""

from __future__ import annotations

import json
from dataclasses import asdict
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from napari_sr.runs.model_table import rows as table_rows
from napari_sr.runs.model_table import searched
from napari_sr.runs.words import has_words, scales_in, short_counts
from napari_sr.zoo.networks import OUTPUT, published

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from napari_sr.runs.model_table import AtScale, ModelRow
    from napari_sr.zoo.networks import Cost, Published

NETWORK_HEADS = (
    "network", "year", "scales", "parameters", "multiply-adds", "image", "radius", "weights",
    "paper",
)  # fmt: skip
BRIEF_HEADS = (
    "network", "year", "scales", "params", "mult-adds", "image", "radius", "weights", "paper",
)  # fmt: skip
MODEL_HEADS = (
    "name", "scale", "parameters", "Set5 PSNR", "licence", "trained on", "where",
)  # fmt: skip
NOTE = (
    f"Multiply-adds: by trained weights, for a result of {OUTPUT[0]} x {OUTPUT[1]} pixels. Radius: "
    "of the receptive field, in input pixels; all: the whole image. Weights: licence of the models "
    "below; -: no such model, so you need a checkpoint file."
)
BRIEFLY = (
    "Parameters, multiply-adds and radius are for x4, or the nearest scale; --wide shows all "
    "scales, and full addresses of papers."
)
USUAL = 4
"""The scale whose figures the brief table shows."""
WITH_PAPERS = 104
"""Width in characters from which the brief table has a column of papers, cut where necessary."""


def text(columns: int | None = None, words: str = "") -> str:
    """Return the tables of networks and models.

    Parameters
    ----------
    columns : int, optional
        Width of a terminal to which the tables are shortened and wrapped. By default, each row is
        one line.
    words : str
        Only rows that contain all of these words are shown.
    """
    found = _networks(words)
    networks = _table(NETWORK_HEADS, map(network_row, found))
    rows = [model_row(*pair) for pair in _at_scales(searched(table_rows(), words))]
    if not found:
        return _models(rows, columns) if rows else f"No network and no model has all of: {words}"
    if columns is None or columns >= max(map(len, networks)):
        return "\n".join((*networks, "", NOTE, "", _models(rows)))
    shown = len(BRIEF_HEADS) - (columns < WITH_PAPERS)
    networks = _table(BRIEF_HEADS[:shown], [brief_row(one)[:shown] for one in found], gap=1)
    networks = [line[:columns].rstrip() for line in networks]
    note = wrap(f"{NOTE} {BRIEFLY}", columns)
    return "\n".join((*networks, "", *note, "", _models(rows, columns)))


def _models(rows: Sequence[tuple[str, ...]], columns: int | None = None) -> str:
    """Return the table of models; in a narrow terminal, without scale and parameters."""
    table = _table(MODEL_HEADS, rows)
    if columns is None or not rows or columns >= max(map(len, table)):
        return "\n".join(table)
    name, _, _, *heads = MODEL_HEADS
    brief = [(first, *others) for first, _, _, *others in rows]
    return "\n".join(_table((name, *heads), _folded((name, *heads), brief, columns)))


def as_json(words: str = "") -> str:
    """Return the content of the tables, and further data, as JSON."""
    networks = [{**asdict(one), "licences": one.licences} for one in _networks(words)]
    models = [_record(*pair) for pair in _at_scales(searched(table_rows(), words))]
    return json.dumps({"networks": networks, "models": models}, indent=1)


def network_row(one: Published) -> tuple[str, ...]:
    """Return a network's row of the full table, in the order of `NETWORK_HEADS`."""
    return (
        one.name,
        str(one.year),
        ", ".join(f"x{cost.scale}" for cost in one.costs),
        *_costs(one.costs, one.image),
        ", ".join(one.licences) or "-",
        one.paper.removeprefix("https://"),
    )


def brief_row(one: Published) -> tuple[str, ...]:
    """Return a network's row of the brief table, in the order of `BRIEF_HEADS`."""
    nearest = min(one.costs, key=lambda cost: abs(cost.scale - USUAL))
    name, year, scales, *_, licence, paper = network_row(one)
    scales = scales.replace("x", "").replace(" ", "")
    return (name, year, scales, *_costs([nearest], one.image), licence, paper)


def _costs(costs: Sequence[Cost], image: str) -> tuple[str, str, str, str]:
    return (
        short_counts([cost.parameters for cost in costs]),
        short_counts([cost.multiply_adds for cost in costs]),
        image,
        radii([cost.radius for cost in costs]),
    )


def model_row(row: ModelRow, one: AtScale) -> tuple[str, ...]:
    """Return the row of a model at one scale, in the order of `MODEL_HEADS`."""
    return (
        row.model.name if one.entry is None else one.entry.name,
        f"x{one.scale}" if row.model.scale_is_known else "any",
        "-" if one.parameters is None else f"{one.parameters:,}",
        "-" if one.psnr is None else f"{one.psnr:.2f} dB",
        row.licence,
        row.trained_on,
        one.where,
    )


def _at_scales(rows: Iterable[ModelRow]) -> Iterator[tuple[ModelRow, AtScale]]:
    """Yield each model once for each scale, own files last; a file of unknown scale comes once."""
    for row in sorted(rows, key=lambda row: not row.model.entries):
        for one in row.scales if row.model.scale_is_known else row.scales[:1]:
            yield row, one


def _record(row: ModelRow, one: AtScale) -> dict[str, Any]:
    """Return everything known about a model at one scale."""
    own = {"name": row.model.name, "scale": one.scale if row.model.scale_is_known else None}
    entry = own if one.entry is None else asdict(one.entry)
    card = row.model.card
    told = {} if card is None else {"card": card.as_record(), "not_stated": list(card.missing)}
    return {
        **entry,
        **told,
        "architecture": row.model.architecture,
        "year": row.year,
        "paper": row.paper,
        "parameters": one.parameters,
        "where": one.where,
        "speed": None if one.speed is None else asdict(one.speed),
    }


def _networks(words: str) -> list[Published]:
    """Return the published networks that have all scales, and whose row has all other words."""
    scales, others = scales_in(words)
    return [
        one
        for one in published()
        if scales <= {cost.scale for cost in one.costs}
        and has_words(" ".join(network_row(one)), others)
    ]


def radii(found: Sequence[int | None]) -> str:
    """Return the receptive field's radius at each scale of a network: "8 / 7", or "all"."""
    words = ["all" if radius is None else str(radius) for radius in found]
    return " / ".join(words if len(set(words)) > 1 else words[:1])


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]], gap: int = 2) -> list[str]:
    """Format rows as lines; each column is as wide as its widest cell."""
    table = [heads, *rows]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return [
        (" " * gap)
        .join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        .rstrip()
        for row in table
    ]


def _folded(
    heads: Sequence[str], rows: Sequence[Sequence[str]], columns: int
) -> Iterator[Sequence[str]]:
    """Yield rows that fit the width; text of the second-last column continues in further rows."""
    others = [max(map(len, cells)) for cells in zip(heads, *rows, strict=True)]
    del others[-2]
    room = max(columns - sum(others) - 2 * len(others), len(heads[-2]))
    for row in rows:
        for at, part in enumerate(wrap(row[-2], room)):
            start = row[:-2] if at == 0 else [""] * len(row[:-2])
            yield (*start, part, row[-1] if at == 0 else "")
