"""Numbers as people type them, with a point or a comma before the decimals.

On many keyboards, and in many languages, decimals follow a comma. A comma may also separate
thousands, so a text that can be read both ways is refused.
"""

from __future__ import annotations

import re

_DECIMALS = re.compile(r"[-+]?(?:\d+,\d*|,\d+)(?:e[-+]?\d+)?", re.IGNORECASE)
_THOUSANDS = re.compile(r"[-+]?[1-9]\d{0,2},\d{3}(?!\d)")
"""The beginning of a number whose comma may separate thousands: 1,250, but not 0,250 or 1,25."""


def with_point(text: str) -> str:
    """Return a number as text with a decimal point in place of a decimal comma.

    Raises
    ------
    ValueError
        If a comma separates thousands, or may do so.

    Examples
    --------
    >>> with_point("2,5"), with_point("2.5")
    ('2.5', '2.5')
    """
    number = text.strip()
    if "," not in number:
        return number
    if _THOUSANDS.match(number) and number.count(",") == 1 and "." not in number:
        whole, decimals = number.replace(",", ""), number.replace(",", ".")
        raise ValueError(f"{text!r} may mean {whole} or {decimals}: write one of them")
    if not _DECIMALS.fullmatch(number):
        raise ValueError(
            f"a number must have one decimal point or comma, and no signs between thousands, got "
            f"{text!r}"
        )
    return number.replace(",", ".")


def number_in(text: str) -> float:
    """Return the number in a text.

    Raises
    ------
    ValueError
        If the text is no number, or a comma separates thousands, or may do so.

    Examples
    --------
    >>> number_in("2,5")
    2.5
    """
    number = with_point(text)
    try:
        return float(number)
    except ValueError:
        raise ValueError(f"a number such as 2.5 is needed, got {text!r}") from None


def unclear(*texts: str) -> str:
    """Return why the comma in one of some texts cannot be read; "" if each can, or there is none.

    Examples
    --------
    >>> unclear("0", "65,535")
    "'65,535' may mean 65535 or 65.535: write one of them"
    """
    for text in texts:
        try:
            with_point(text)
        except ValueError as error:
            return str(error)
    return ""
