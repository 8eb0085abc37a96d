"""Check the rectangle of each plane that a user wants to upscale."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING

from napari_sr.engine.planning.tiling import Region

if TYPE_CHECKING:
    from napari_sr.engine.image.arrays import Layout


def checked_region(region: object, layout: Layout) -> Region:
    """Check a region, and return it as a `Region`.

    Parameters
    ----------
    region : Region or ((top, bottom), (left, right))
        First row, the row after the last, and the same for columns, in pixels of the image.
    layout : Layout
        Layout of the image.

    Raises
    ------
    ValueError
        If the region has another form, is empty, or reaches beyond the image.
    """
    if isinstance(region, Region):
        region = region.spans
    try:
        if any(isinstance(one, bool) for span in region for one in span):  # type: ignore[attr-defined]
            raise ValueError  # Python would count True as 1
        rows, columns = (tuple(map(operator.index, span)) for span in region)  # type: ignore[attr-defined]
        (top, bottom), (left, right) = rows, columns
    except (TypeError, ValueError):
        raise ValueError(
            f"region must be ((top, bottom), (left, right)) in whole pixels, got {region!r}"
        ) from None
    if not (0 <= top < bottom <= layout.height and 0 <= left < right <= layout.width):
        raise ValueError(
            f"region needs 0 <= top < bottom <= {layout.height} and 0 <= left < right <= "
            f"{layout.width}, got {region!r}"
        )
    return Region(slice(top, bottom), slice(left, right))
