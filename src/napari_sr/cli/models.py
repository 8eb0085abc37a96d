"""The command `napari-sr models`: list networks with their cost, and models by name."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from textwrap import wrap
from typing import TYPE_CHECKING

from napari_sr.zoo.download import cache_folder, local_path
from napari_sr.zoo.networks import OUTPUT, published
from napari_sr.zoo.registry import Entry, entries

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

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
    f"Multiply-adds: of trained weights, for a result of {OUTPUT[0]} x {OUTPUT[1]}. Radius: of the "
    "receptive field in input pixels, or all of the image. Weights: licence of the models below; - "
    "if none is listed, and you need a checkpoint file."
)
BRIEFLY = (
    "Parameters, multiply-adds and radius are for x4, or the nearest scale; --wide shows all "
    "scales, and full addresses of papers."
)
USUAL = 4
"""The scale whose figures the brief table shows."""
WITH_PAPERS = 104
"""In terminals at least this wide, in letters, the brief table has a column of papers. Long
titles are cut."""
UNITS = ((1, ""), (1e3, " K"), (1e6, " M"), (1e9, " G"), (1e12, " T"))


def text(columns: int | None = None) -> str:
    """Return both tables.

    Parameters
    ----------
    columns : int, optional
        Width of a terminal to which the tables are shortened and wrapped. By default, each row is
        one line.
    """
    networks = _table(NETWORK_HEADS, map(network_row, published()))
    rows = [model_row(entry) for entry in entries()]
    if columns is None or columns >= max(map(len, networks)):
        return "\n".join((*networks, "", NOTE, "", *_table(MODEL_HEADS, rows)))
    shown = len(BRIEF_HEADS) - (columns < WITH_PAPERS)
    networks = _table(BRIEF_HEADS[:shown], [brief_row(one)[:shown] for one in published()], gap=1)
    networks = [line[:columns].rstrip() for line in networks]
    name, _, _, *heads = MODEL_HEADS
    rows = [(first, *others) for first, _, _, *others in rows]
    models = _table((name, *heads), _folded((name, *heads), rows, columns))
    return "\n".join((*networks, "", *wrap(f"{NOTE} {BRIEFLY}", columns), "", *models))


def as_json() -> str:
    """Return the content of the tables, and further data, for programs."""
    networks = [{**asdict(one), "licences": one.licences} for one in published()]
    models = [{**asdict(entry), "where": where(entry)} for entry in entries()]
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
        short([cost.parameters for cost in costs]),
        short([cost.multiply_adds for cost in costs]),
        image,
        radii([cost.radius for cost in costs]),
    )


def model_row(entry: Entry) -> tuple[str, ...]:
    """Return a model's row, in the order of `MODEL_HEADS`."""
    score = "-" if entry.psnr_set5 is None else f"{entry.psnr_set5:.2f} dB"
    return (
        entry.name,
        f"x{entry.scale}",
        f"{entry.parameters:,}",
        score,
        entry.licence,
        entry.trained_on,
        where(entry),
    )


def where(entry: Entry) -> str:
    """Return where a model is stored, or the size of its download."""
    path = local_path(entry)
    if entry.url is None:
        return "computed" if entry.computed else "shipped"
    if path is None:
        return f"to download ({max(entry.size / 1e6, 0.1):.1f} MB)"
    return "cached" if path.parent == cache_folder() else "mirror"


def short(counts: Sequence[int]) -> str:
    """Format counts with three digits and the unit of the largest count: "159 / 71.3 / 40.9 G".

    Equal counts are written once.
    """
    factor, unit = max(pair for pair in UNITS if pair[0] <= max(*counts, 1))
    numbers = [_digits(count / factor) for count in counts]
    return f"{' / '.join(numbers if len(set(numbers)) > 1 else numbers[:1])}{unit}"


def radii(found: Sequence[int | None]) -> str:
    """Return the receptive field for each scale of a network: "8 / 7", or "all"."""
    words = ["all" if radius is None else str(radius) for radius in found]
    return " / ".join(words if len(set(words)) > 1 else words[:1])


def _digits(value: float) -> str:
    """Format a number: at least three digits, and no decimals from 100 on."""
    places = max(2 - math.floor(math.log10(value)), 0) if value else 0
    return f"{value:,.{places}f}"


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
    """Yield rows that fit the width; the second-last column is wrapped into further rows."""
    others = [max(map(len, cells)) for cells in zip(heads, *rows, strict=True)]
    del others[-2]
    room = max(columns - sum(others) - 2 * len(others), len(heads[-2]))
    for row in rows:
        for at, part in enumerate(wrap(row[-2], room)):
            start = row[:-2] if at == 0 else [""] * len(row[:-2])
            yield (*start, part, row[-1] if at == 0 else "")
