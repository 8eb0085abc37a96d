"""Writes numbers with as many digits as a reader needs to tell them apart."""

from __future__ import annotations

import math

FEWEST, MOST = 6, 17
"""Digits: as many as `:g` writes, and as many as tell any two floats apart."""


def told_apart(*numbers: float) -> list[str]:
    """Return numbers in words, exact to 1/1000 of what lies between the least and the largest.

    Parameters
    ----------
    *numbers : float
        Of one kind, such as the ends of a range. NaN and infinity are written as they are.

    Examples
    --------
    >>> told_apart(0.0, 3999.0)
    ['0', '3999']
    >>> told_apart(101325.0, 101325.0234375)
    ['101325', '101325.02344']
    """
    finite = [float(number) for number in numbers if math.isfinite(number)]
    allowed = (max(finite) - min(finite)) / 1000 if finite else math.inf
    digits = FEWEST
    while digits < MOST and any(abs(float(f"{x:.{digits}g}") - x) > allowed for x in finite):
        digits += 1
    # numbers that are all equal differ from none
    digits = digits if allowed else FEWEST
    return [f"{number:.{digits}g}" for number in numbers]
