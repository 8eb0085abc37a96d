"""Sizes, times and errors as text for the user."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from napari_sr.engine.image.digits import counted
from napari_sr.runs.spelling import as_fields

if TYPE_CHECKING:
    from collections.abc import Sequence

_UNITS = ((1, ""), (1e3, " K"), (1e6, " M"), (1e9, " G"), (1e12, " T"))
"""Powers of a thousand, each with its unit of counts."""
TIMES = "\u00d7"
"""The sign between the lengths of axes in a shape."""
_SCALE = re.compile(rf"(?<!\S)(?:[x{TIMES}] ?(\d+)|(\d+) ?[x{TIMES}])(?!\S)")
"""A scale as a word of its own: "x4", "4x", or with the sign and a space, as forms show it."""


def size_in_words(count: float) -> str:
    """Return a number of bytes as text.

    Examples
    --------
    >>> size_in_words(1_234_567)
    '1.2 MB'
    """
    for unit in ("bytes", "kB", "MB", "GB"):
        if count < 999.5:
            digits = 0 if count >= 9.95 or unit == "bytes" else 1
            return f"{count:.{digits}f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


def time_in_words(seconds: float) -> str:
    """Return a duration as text, rounded because it is an estimate.

    Examples
    --------
    >>> time_in_words(200)
    '3 minutes'
    """
    if seconds < 1:
        return "less than a second"
    for limit, length, unit in ((90, 1, "second"), (5400, 60, "minute"), (129600, 3600, "hour")):
        if seconds < limit:
            return counted(round(seconds / length), unit)
    return counted(round(seconds / 86400), "day")


def short_counts(counts: Sequence[int]) -> str:
    """Format counts with three digits and the unit of the largest count: "159 / 71.3 / 40.9 G".

    Equal counts are written once.
    """
    factor, unit = max(pair for pair in _UNITS if pair[0] <= max(*counts, 1))
    numbers = [_digits(count / factor) for count in counts]
    return f"{' / '.join(numbers if len(set(numbers)) > 1 else numbers[:1])}{unit}"


def _digits(value: float) -> str:
    """Format a number: at least three digits, and no decimals from 100 on."""
    places = max(2 - math.floor(math.log10(value)), 0) if value else 0
    return f"{value:,.{places}f}"


def has_words(text: str, words: str) -> bool:
    """Return whether a text contains each of some words, in upper or lower case.

    Examples
    --------
    >>> has_words("BSRN: best quality", "QUALITY bsrn")
    True
    """
    searched = text.lower()
    return all(word in searched for word in words.lower().split())


def scales_in(words: str) -> tuple[set[int], str]:
    """Return the scales that a search asks for, and its other words, in lower case.

    Examples
    --------
    >>> scales_in("BSRN 4 \u00d7")
    ({4}, 'bsrn ')
    >>> scales_in("fsrcnn-\u00d73")
    (set(), 'fsrcnn-x3')
    """
    text = words.lower()
    scales = {int(before or behind) for before, behind in _SCALE.findall(text)}
    return scales, _SCALE.sub("", text).replace(TIMES, "x")


def shape_in_words(shape: tuple[int, ...]) -> str:
    """Return a shape as text.

    Examples
    --------
    >>> shape_in_words((9, 256, 300))
    '9 × 256 × 300'
    """
    return f" {TIMES} ".join(str(size) for size in shape)


def part_in_words(part: Sequence[int], whole: Sequence[int], axes: str, scale: int = 1) -> str:
    """Return as text how many planes, rows and columns of an image a part of it has.

    Parameters
    ----------
    part, whole : sequence of int
        Shapes of the part and of the image.
    axes : str
        One letter per axis; axes other than Y, X and S count as planes.
    scale : int
        Number by which rows and columns are divided, such as the enlargement of both.

    Examples
    --------
    >>> part_in_words((12, 800, 800), (50, 800, 800), "ZYX", 2)
    '12 of 50 planes'
    >>> part_in_words((512, 800), (800, 800), "YX", 2)
    '256 of 400 rows'
    """
    pairs = dict(zip(axes, zip(part, whole, strict=True), strict=True))
    (rows, height), (columns, width) = ([n // scale for n in pairs.pop(axis)] for axis in "YX")
    pairs.pop("S", None)
    planes, count = (math.prod(pair[at] for pair in pairs.values()) for at in (0, 1))
    told = [f"{planes} of {count} planes"] if planes < count else []
    if rows < height and columns < width:
        size, room = shape_in_words((rows, columns)), shape_in_words((height, width))
        told.append(f"{size} of {room} px")
    elif rows < height:
        told.append(f"{rows} of {height} rows")
    elif columns < width:
        told.append(f"{columns} of {width} columns")
    return ", ".join(told)


def no_memory(error: MemoryError) -> str:
    """Return a message about a lack of memory, with advice.

    Examples
    --------
    >>> no_memory(MemoryError())
    'memory ran out; take less at once (one slice, a smaller scale), or close other programs'
    """
    details = f" ({error})" if str(error) else ""
    return (
        f"memory ran out{details}; take less at once (one slice, a smaller scale), "
        "or close other programs"
    )


def is_ours(error: BaseException) -> bool:
    """Return whether an error's class is defined by napari-sr; its message is then a sentence."""
    return type(error).__module__.startswith("napari_sr.")


def error_in_words(error: BaseException) -> str:
    """Return one sentence about an error for users of a form.

    The sentence names fields, not arguments. For an unexpected error, it names the error's class.

    Examples
    --------
    >>> error_in_words(ValueError("a tile must be at least 17 px, got 8"))
    'a tile must be at least 17 px, got 8'
    >>> error_in_words(KeyError("scale"))
    "it stopped with an unexpected error: KeyError: 'scale'"
    """
    words = next(iter(str(error).strip().splitlines()), "")
    kind = type(error)
    expected = kind.__module__ != "builtins" or isinstance(error, ValueError | OSError)
    if expected and words:
        return as_fields(words)
    named = f"{kind.__name__}: {words}" if words else kind.__name__
    return f"it stopped with an unexpected error: {named}"
