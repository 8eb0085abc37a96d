"""Patterns that select files of a folder, as in a shell. This module imports no file readers."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def read_patterns(texts: Iterable[str]) -> list[tuple[str, ...]]:
    """Split each pattern into one string for each level of folders.

    Parameters
    ----------
    texts : iterable of str
        Patterns such as "*.tif" and "**/*.tif", relative to a folder.

    Raises
    ------
    ValueError
        If a pattern is empty or leads out of the folder.
    """
    patterns = []
    for text in texts:
        pattern = PurePath(text)
        if pattern.anchor or not pattern.parts or ".." in pattern.parts:
            raise ValueError(
                f"--pattern needs names below the folder, such as '**/*.tif', got {text!r}"
            )
        patterns.append(pattern.parts)
    return patterns
