"""Tables of what was measured, beside what was published."""

from __future__ import annotations

import csv
import io
import json
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_sr.evaluation.benchmark import Table

NO_FIGURE = "-"


@lru_cache
def _published() -> dict[str, Any]:
    text = files("napari_sr.evaluation").joinpath("published.json").read_text("utf-8")
    figures: dict[str, Any] = json.loads(text)["figures"]
    return figures


def published(model: str, scale: int, set_name: str) -> tuple[float, float] | None:
    """Return the PSNR in dB and SSIM that were published, or None where we know none.

    Parameters
    ----------
    model : str
        A model's name without scale: "bsrn".
    scale : int
        Times larger.
    set_name : str
        "Set5", "Set14", "BSD100", "Urban100" or "Manga109", in any case.
    """
    sets = _published().get(model.lower(), {}).get(f"x{scale}", {})
    found = next((sets[name] for name in sets if name.lower() == set_name.lower()), None)
    return None if found is None else (found[0], found[1])


def markdown(tables: Sequence[Table], *, images: bool = False) -> str:
    """Return the means over sets as a Markdown table; with `images`, a row for each image, too."""
    heads = (
        "set", "scale", "model", "PSNR, dB", "SSIM", "published PSNR", "published SSIM",
        "difference, dB",
    )  # fmt: skip
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for table in tables:
        if images:
            lines += [
                f"| {table.set_name}: {row.image} | x{table.scale} | {table.model} "
                f"| {row.psnr:.2f} | {row.ssim:.4f} | | | |"
                for row in table.rows
            ]
        known = published(table.model, table.scale, table.set_name)
        cells = (
            (NO_FIGURE,) * 3
            if known is None
            else (f"{known[0]:.2f}", f"{known[1]:.4f}", f"{table.psnr - known[0]:+.2f}")
        )
        lines.append(
            f"| {table.set_name} | x{table.scale} | {table.model} | {table.psnr:.2f} "
            f"| {table.ssim:.4f} | {' | '.join(cells)} |"
        )
    return "\n".join(lines)


def comma_separated(tables: Sequence[Table]) -> str:
    """Return all images and means as CSV; the mean's image is called "mean"."""
    target = io.StringIO()
    writer = csv.writer(target, lineterminator="\n")
    writer.writerow(("set", "scale", "model", "image", "psnr", "ssim"))
    for table in tables:
        for name, psnr, ssim in (
            *((row.image, row.psnr, row.ssim) for row in table.rows),
            ("mean", table.psnr, table.ssim),
        ):
            cells = table.set_name, table.scale, table.model, name, f"{psnr:.4f}", f"{ssim:.6f}"
            writer.writerow(cells)
    return target.getvalue()
