"""The tags of a TIFF that are not about pixels: keep some, and describe the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_sr.files import geotiff, orientation, xmp_record

if TYPE_CHECKING:
    from napari_sr.files.image import TagValue

TEXTS = (269, 271, 272, 285, 306, 315, 316, 33432)
"""Tags of text: names of document and page, make, model, date, artist, computer, copyright."""
COLOURS = (301, 318, 319)
"""Tags of colour: transfer function, white point and primaries."""
KEPT = (*TEXTS, *COLOURS, *geotiff.TAGS)
READ = frozenset(
    (254, 255, 256, 257, 258, 259, 262, 266, 270, 273, 274, 277, 278, 279, 280, 281, 282, 283, 284,
     286, 287, 290, 291, 292, 293, 296, 297, 305, 317, 320, 321, 322, 323, 324, 325, 330, 336, 338,
     339, 340, 341, 347, 512, 513, 514, 519, 520, 521, 529, 530, 531, 532, 32997, 32998, 34675,
     50838, 50839)
)  # fmt: skip
"""Tags that describe the storage of pixels, are read elsewhere, or do not apply to the result."""

_NAMES = {700: "XMP", 33723: "IPTC", 34377: "Photoshop's", 34665: "EXIF", 34853: "GPS"}


def kept_tags(page: Any) -> dict[int, TagValue]:
    """Return the tags of a page that are written to the result, by number.

    Parameters
    ----------
    page : tifffile.TiffPage
        The page.
    """
    turned = page.tags.valueof(orientation.TAG, 1) != orientation.UPRIGHT
    found: dict[int, TagValue] = {}
    for tag in page.tags.values():
        if tag.code in KEPT and tag.value is not None and tag.code not in found:
            if turned and tag.code in geotiff.TAGS:
                continue  # the georeference is valid only for pixels in stored order
            value = tag.value.tolist() if isinstance(tag.value, np.ndarray) else tag.value
            found[tag.code] = (
                int(tag.dtype),
                0 if isinstance(value, str | bytes) else tag.count,
                value,
            )
    return found


def left_out(page: Any) -> list[str]:
    """Return descriptions of a page's tags that are not written to the result.

    Parameters
    ----------
    page : tifffile.TiffPage
        The page.
    """
    numbers = {tag.code for tag in page.tags.values()} - READ
    lost = sorted(numbers - set(kept_tags(page)))
    xmp = page.tags.valueof(xmp_record.TAG)
    if isinstance(xmp, bytes) and xmp_record.is_only_record(xmp):
        lost.remove(xmp_record.TAG)  # the result gets a new record
    named = [_NAMES[number] for number in lost if number in _NAMES]
    place = [number for number in lost if number in geotiff.TAGS]
    others = [number for number in lost if number not in _NAMES and number not in place]
    named += [f"tag {number}" for number in others[:5]]
    named += [f"{len(others) - 5} more tags"] * (len(others) > 5)
    told = [f"its metadata {_listed(named)} are left out"] if named else []
    if place:
        told.append(
            "its georeference (GeoTIFF) is left out, because its pixels were rotated or flipped"
        )
    if geotiff.NODATA in numbers and page.dtype is not None and page.dtype.kind != "f":
        value = str(page.tags.valueof(geotiff.NODATA)).strip()
        told.append(f"its no-data value ({value}) is upscaled like any other value")
    return told


def _listed(words: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))


def nodata_of(page: Any) -> float | None:
    """Return the no-data value of a GeoTIFF of floats, or None."""
    tag = page.tags.get(geotiff.NODATA)
    if tag is None or page.dtype is None or page.dtype.kind != "f":
        return None
    try:
        value = float(str(tag.value).strip().strip("\0").replace(",", "."))
    except ValueError:
        return None
    return None if np.isnan(value) else value
