"""Tables of measured and published figures."""

from __future__ import annotations

import csv
import io
import json
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from napari_sr.evaluation.metrics import METRICS, USUAL

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from napari_sr.evaluation.metrics import Metric
    from napari_sr.evaluation.table import Table

NO_FIGURE = "-"
PUBLISHED = ("psnr", "ssim")
"""The metrics with published figures, in the order of published.json."""
PSNR = METRICS["psnr"]


@lru_cache
def _published() -> dict[str, Any]:
    text = files("napari_sr.evaluation").joinpath("published.json").read_text("utf-8")
    figures: dict[str, Any] = json.loads(text)["figures"]
    return figures


def published(model: str, scale: int, set_name: str) -> tuple[float, float] | None:
    """Return the published PSNR in dB and SSIM, or None if unknown.

    Parameters
    ----------
    model : str
        A model's name without scale: "bsrn".
    scale : int
        Enlargement.
    set_name : str
        "Set5", "Set14", "BSD100", "Urban100" or "Manga109", in any case.
    """
    sets = _published().get(model.lower(), {}).get(f"x{scale}", {})
    found = next((sets[name] for name in sets if name.lower() == set_name.lower()), None)
    return None if found is None else (found[0], found[1])


def markdown(tables: Sequence[Table], *, images: bool = False) -> str:
    """Return the means over sets as a Markdown table; `images` adds a row for each image.

    Lines below the table name the images that the means leave out. All tables must have the same
    metrics.
    """
    metrics = _metrics(tables)
    known = [metric for metric in metrics if metric.name in PUBLISHED]
    heads = ["set", "scale", "model", *(metric.heading for metric in metrics)]
    heads += [f"published {metric.title}" for metric in known]
    heads += ["difference, dB"] * (PSNR in known)
    lines = [_line(heads), "|---" * len(heads) + "|"]
    for table in tables:
        named = f"x{table.scale}", table.model
        if images:
            lines += [
                _line(
                    [f"{table.set_name}: {row.image}", *named, *_figures(metrics, row.figures)],
                    len(heads),
                )
                for row in table.rows
            ]
        figures = _figures(metrics, table.means)
        lines.append(_line([table.set_name, *named, *figures, *_beside(table, known)]))
    notes = [f"\n{note}" for table in tables for note in table.notes]
    return "\n".join([*lines, *notes])


def _metrics(tables: Sequence[Table]) -> list[Metric]:
    names = tables[0].means if tables else USUAL
    return [METRICS[name] for name in names]


def _line(cells: Sequence[str], width: int = 0) -> str:
    return f"| {' | '.join([*cells, *[''] * (width - len(cells))])} |"


def _figures(metrics: Sequence[Metric], values: Mapping[str, float]) -> list[str]:
    return [f"{values[metric.name]:.{metric.decimals}f}" for metric in metrics]


def _beside(table: Table, known: Sequence[Metric]) -> list[str]:
    """Return the cells with published figures, and the difference of PSNR."""
    found = published(table.model, table.scale, table.set_name)
    if found is None:
        return [NO_FIGURE] * (len(known) + (PSNR in known))
    values = dict(zip(PUBLISHED, found, strict=True))
    cells = _figures(known, values)
    return [*cells, f"{table.psnr - values['psnr']:+.2f}"] if PSNR in known else cells


def comma_separated(tables: Sequence[Table]) -> str:
    """Return all images and means as CSV; in rows with means, the image is called "mean"."""
    target = io.StringIO()
    writer = csv.writer(target, lineterminator="\n")
    metrics = _metrics(tables)
    writer.writerow(("set", "scale", "model", "image", *(metric.name for metric in metrics)))
    for table in tables:
        every = [(row.image, row.figures) for row in table.rows]
        for name, values in [*every, ("mean", table.means)]:
            figures = (f"{values[metric.name]:.{metric.decimals + 2}f}" for metric in metrics)
            writer.writerow((table.set_name, table.scale, table.model, name, *figures))
    return target.getvalue()
