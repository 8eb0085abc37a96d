"""Format numbers with as many digits as a reader needs to distinguish them."""

from __future__ import annotations

import math

FEWEST, MOST = 6, 17
"""Significant digits: the default of `:g`, and enough to distinguish any two floats."""


def distinct(*numbers: float) -> list[str]:
    """Format numbers, each exact to 1/1000 of the span from the smallest to the largest.

    Parameters
    ----------
    *numbers : float
        Numbers to compare, such as the ends of a range. NaN and infinity are written as such.

    Examples
    --------
    >>> distinct(0.0, 3999.0)
    ['0', '3999']
    >>> distinct(101325.0, 101325.0234375)
    ['101325', '101325.02344']
    """
    finite = [float(number) for number in numbers if math.isfinite(number)]
    allowed = (max(finite) - min(finite)) / 1000 if finite else math.inf
    digits = FEWEST
    while digits < MOST and any(abs(float(f"{x:.{digits}g}") - x) > allowed for x in finite):
        digits += 1
    # equal numbers need no more digits
    digits = digits if allowed else FEWEST
    return [f"{number:.{digits}g}" for number in numbers]


def counted(count: float, unit: str) -> str:
    """Format a number with its unit, which is singular if the number is 1.

    Parameters
    ----------
    count : float
        The number; whole numbers are written without decimals.
    unit : str
        The unit's singular, whose plural ends in "s".

    Examples
    --------
    >>> counted(1, "step"), counted(2, "step"), counted(0.5, "minute")
    ('1 step', '2 steps', '0.5 minutes')
    """
    number = str(count) if isinstance(count, int) else f"{count:g}"
    return f"{number} {unit}" if count == 1 else f"{number} {unit}s"
