"""Warn about an image whose values span a small part of the range from black to white.

Networks make errors of about 1/1000 of white. On Set5 as grey in uint16, FSRCNN x2 is 3.4 dB
better than bicubic interpolation if the images fill the range of the type, and 0.8 dB better if
they have 12 bits. If they have 10 bits, it is 6.4 dB worse, unless `value_range` is given
(`benchmarks/quality/faint.py`).
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    from napari_sr.engine.image.plane_values import ValueRange

FAINT = 1 / 8
"""Share of the range from black to white; an image whose values span less is faint."""
FLAT_ERROR = 0.002
"""Share of the range by which a network may change the level of a flat area: `fsrcnn` x4 makes it
0.19 % darker near black, `microscope` x2 0.20 % brighter at a tenth of white; others change it
less (constant images of 24 x 24 pixels, median of the result)."""


class FaintImageWarning(UserWarning):
    """An image's values span a small part of the range that counts as black to white."""


def warn_if_faint(kind: np.dtype[np.generic], low: float, high: float, usual: ValueRange) -> None:
    """Warn about an image that is faint in its usual range.

    An image of one value is faint if its values are integers, dark, but not black.

    Parameters
    ----------
    kind : data type
        The image's data type, which the warning names.
    low, high : float
        Smallest and largest value of the image; infinite if it has no value.
    usual : ValueRange
        Black and white if the user does not declare them.
    """
    width = usual.high - usual.low
    least = usual.low if low == high and kind.kind != "f" else low
    if not least < high < least + FAINT * width:
        return
    if low == high:
        values = f"all values of this {kind} image are {low:g}, in a range from black to white of"
    else:
        values = (
            f"the values of this {kind} image span {low:g} to {high:g}, {(high - low) / width:.1%} "
            "of the range from black to white,"
        )
    warnings.warn(
        f"{values} {usual.low:g} to {usual.high:g}: networks do worse on such a faint image, and "
        f"may change flat areas by {FLAT_ERROR * width:.3g}; declare black and white with "
        "value_range (--value-range 0 4095 for 12 bits)",
        FaintImageWarning,
        stacklevel=3,
    )
