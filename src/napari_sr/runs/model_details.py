"""All known facts about a model, as text for the form *Models*."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_sr.runs.card_words import card_in_words
from napari_sr.runs.spelling import as_fields
from napari_sr.runs.words import TIMES, size_in_words

if TYPE_CHECKING:
    from napari_sr.runs.model_table import AtScale, ModelRow


def details(row: ModelRow) -> str:
    """Return all known facts about a model, as lines of text."""
    told = card_in_words(row.model.card)
    remarks = map(as_fields, row.model.remarks)
    lines = [row.model.line, row.model.summary, *remarks, *([told] if told else []), ""]
    if row.paper:
        lines.append(f"Paper: {row.paper}")
    elif not row.model.entries:
        lines.append(f"Network: {row.model.architecture}")
    lines.append(f"Licence: {row.licence}. Trained on: {row.trained_on}.")
    scales = row.scales if row.model.scale_is_known else row.scales[:1]
    lines += [line for one in scales for line in _details_of(row, one)]
    if row.sha256:
        lines.append(f"SHA-256: {row.sha256}")
    return "\n".join(lines)


def _details_of(row: ModelRow, one: AtScale) -> list[str]:
    scale = f"{TIMES}{one.scale}" if row.model.scale_is_known else "Scale: not shown by the file"
    facts = [f"\n{scale}"]
    if one.parameters:
        facts.append(f"{one.parameters:,} parameters")
    if one.psnr is not None:
        facts.append(f"{one.psnr:.2f} dB on Set5")
    if one.speed is not None:
        facts.append(one.speed.sentence)
    lines = [", ".join(facts)]
    entry = one.entry
    if entry is None or entry.computed:
        return [*lines, f"File: {one.path}"] if entry is None else lines
    where = "to download" if one.path is None else str(one.path)
    lines.append(f"File: {entry.file}, {size_in_words(entry.size)}, {where}")
    if entry.url is not None:
        lines.append(f"Address: {entry.url}")
    return [*lines, f"SHA-256: {entry.sha256}"]
