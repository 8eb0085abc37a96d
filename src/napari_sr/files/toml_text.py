"""Read TOML files from users; refuse files that would take too much memory or time."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

LARGEST = 1 << 16
"""Largest size of a file in bytes."""
MOST_DOTS = 400
"""Largest number of dots in a line. Python's TOML parser takes minutes for a key with thousands of
dots."""


def read_toml(path: Path, largest: int = LARGEST) -> dict[str, Any]:
    """Read a TOML file.

    Parameters
    ----------
    path : Path
        The file.
    largest : int
        Largest size of the file in bytes.

    Raises
    ------
    ValueError
        If the file is too long, not text, not TOML or nested too deeply.
    OSError
        If the file cannot be read.
    """
    with path.open("rb") as file:
        content = file.read(largest + 1)
    if len(content) > largest:
        raise ValueError(f"it must be at most {largest:,} bytes, got more")
    text = content.decode("utf-8-sig")
    dots = max(line.count(".") for line in text.split("\n"))
    if dots > MOST_DOTS:
        raise ValueError(f"a line must hold at most {MOST_DOTS} dots, got {dots}")
    try:
        return tomllib.loads(text)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
