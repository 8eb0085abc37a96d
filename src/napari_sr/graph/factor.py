"""Enlargement factors that need not be whole numbers, and the pixels of their results.

The corner of the first pixel of a result lies on that of its source, and each pixel of the result
is exactly `1 / factor` pixels of the source wide. So pixel j of the result covers the positions
from `j / factor` to `(j + 1) / factor`, in pixels of the source. A result has `size * factor`
pixels, rounded. If that is not whole, the result ends up to half of its pixels before or behind
the source's last edge.
"""

from __future__ import annotations

import math
import re
from fractions import Fraction
from typing import TypeAlias

Factor: TypeAlias = int | Fraction
"""An enlargement factor."""
FINEST = 10**6
"""Largest denominator of a factor. Along 10,000 pixels, rounding the factor to this moves no pixel
by more than 1e-8 pixels."""
LONGEST = 100
"""Largest number of characters of a number that is read from a text."""
_LONG_EXPONENT = re.compile(r"e[-+]?\d_?\d_?\d", re.IGNORECASE)


def exact_factor(value: float | Fraction) -> Factor:
    """Return a finite number as an exact factor: 2.5 as 5/2, and 3.0 as the int 3.

    A float is read as it is written: 1.3 is 13/10.
    """
    found = value if isinstance(value, Fraction) else Fraction(repr(float(value)))
    found = found.limit_denominator(FINEST)
    return found.numerator if found.denominator == 1 else found


def factor_in(text: str) -> Factor:
    """Return the factor that a record names, such as "5/2" or "7".

    Raises
    ------
    ValueError
        If the text is no such number.
    """
    try:
        found = fraction_in(text)
    except ValueError:
        got = repr(text[:LONGEST])
        raise ValueError(f"a factor must be a number such as 2.5 or 5/2, got {got}") from None
    return found.numerator if found.denominator == 1 else found


def fraction_in(text: str) -> Fraction:
    """Return the number in a text, such as "5/2" or "1e-3", without long computations.

    Raises
    ------
    ValueError
        If the text is no number, is longer than `LONGEST` characters, or has an exponent of more
        than two digits: for "1e999999999", Python would compute for hours.
    """
    if len(text) > LONGEST or _LONG_EXPONENT.search(text):
        raise ValueError(f"a number is needed, got {text[:LONGEST]!r}")
    try:
        return Fraction(text)
    except ZeroDivisionError:
        raise ValueError(f"a number is needed, got {text!r}") from None


def number_of(factor: Factor) -> int | float:
    """Return a factor as an int or a float, for arithmetic with metadata."""
    return factor if isinstance(factor, int) else float(factor)


def in_words(factor: Factor) -> str:
    """Return a factor as people write it: "2.5", or "1.0833" for 13/12."""
    return f"{number_of(factor):.5g}"


def boundary(position: int, factor: Factor) -> int:
    """Return the boundary between pixels of the result that is nearest to one of the source."""
    return position * factor if isinstance(factor, int) else math.floor(position * factor + _HALF)


def first_edge(position: int, factor: Factor) -> float:
    """Return where the first pixel of a part's result begins, in pixels of the source.

    The part begins at `position`; the boundary between pixels that is nearest to it may be up to
    half a pixel of the result before or behind it.
    """
    if isinstance(factor, int):
        return position
    return float(boundary(position, factor) / factor)


def bounds(span: slice, factor: Factor) -> slice:
    """Convert rows or columns of a source to those of its result, rounded to whole pixels.

    Spans that meet in the source meet in the result, and a whole axis becomes a whole axis.
    """
    return slice(boundary(span.start, factor), boundary(span.stop, factor))


_HALF = Fraction(1, 2)
