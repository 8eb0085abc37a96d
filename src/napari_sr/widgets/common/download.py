"""Ask the user before models are downloaded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_sr.runs.words import size_in_words
from napari_sr.widgets.common import question as questions
from napari_sr.zoo import download

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qtpy.QtWidgets import QMessageBox, QWidget

    from napari_sr.zoo.registry import Entry

MOST_NAMED = 8
"""Largest number of models that the dialog lists by name."""


def question(entry: Entry, parent: QWidget | None = None) -> QMessageBox:
    """Return the dialog that asks whether to download a model, with its size and licence."""
    return questions.question(
        "Download a model",
        f"Download {entry.title} ({size_in_words(entry.size)})?",
        f"Licence: {entry.licence}\nFrom: {entry.url}\n"
        f"Kept in: {download.cache_folder()}\n\n"
        "Its checksum is verified, and it is downloaded only once. Nothing is sent.",
        "Download",
        parent,
    )


def question_on_all(entries: Sequence[Entry], parent: QWidget | None = None) -> QMessageBox:
    """Return the dialog that asks whether to download several models."""
    total = size_in_words(sum(entry.size for entry in entries))
    named = [
        f"{entry.title}: {size_in_words(entry.size)}, licence: {entry.licence}"
        for entry in entries[:MOST_NAMED]
    ]
    if len(entries) > MOST_NAMED:
        named.append(f"and {len(entries) - MOST_NAMED} more")
    lines = "\n".join(named)
    return questions.question(
        "Download models",
        f"Download {len(entries)} models ({total})?",
        f"{lines}\nKept in: {download.cache_folder()}\n\n"
        "Their checksums are verified, and they are downloaded only once. Nothing is sent.",
        "Download",
        parent,
    )


def may_download(entry: Entry, parent: QWidget | None = None) -> bool:
    """Ask whether to download a model; return whether the user agreed."""
    return questions.agreed(question(entry, parent))


def may_download_all(entries: Sequence[Entry], parent: QWidget | None = None) -> bool:
    """Ask once whether to download one or several models; return whether the user agreed."""
    if len(entries) == 1:
        return may_download(entries[0], parent)
    return questions.agreed(question_on_all(entries, parent))
