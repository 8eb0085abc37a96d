"""Read TIFFs of any size, window by window."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_sr.files import tiff_details
from napari_sr.files.decoded_pieces import BUDGET
from napari_sr.files.formats import is_tiff
from napari_sr.files.identity import identity_of
from napari_sr.files.image import FileError
from napari_sr.files.lazy_image import Axis, LazyImage
from napari_sr.files.ome import density_of
from napari_sr.files.orientation import upright_density
from napari_sr.files.place import check_apart
from napari_sr.files.room import in_words
from napari_sr.files.tiff_log import notes as notes_of
from napari_sr.files.tiff_places import channels_of, places_of
from napari_sr.files.tiff_reader import listening, opened
from napari_sr.files.tiff_shown import ShownPixels
from napari_sr.files.tiff_tags import kept_tags
from napari_sr.files.tiff_values import meaning_of
from napari_sr.files.tiff_windows import StoredPixels
from napari_sr.files.windows import LazyArray, Window
from napari_sr.files.xmp_record import TAG, origins_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from napari_sr.files.tiff_series import Chosen
    from napari_sr.files.tiff_values import Meaning

TAGS, PROFILE = "TIFF tags", "ICC profile"
"""Keys in `LazyImage.details`: the file's remaining tags, by number, and its colour profile."""


class TiffPixels(LazyArray):
    """The displayed pixels of a TIFF. In another process, the object opens the file again.

    Parameters
    ----------
    path, axes : Path, str or None
        As for `open_tiff`.
    shown : ShownPixels
        The pixels.
    """

    def __init__(self, path: Path, axes: str | None, shown: ShownPixels) -> None:
        super().__init__(shown.shape, shown.dtype)
        self._path, self._axes, self._shown = path, axes, shown

    def _window(self, window: Window) -> NDArray[Any]:
        with listening(self._path, []):
            return self._shown.read(window)

    def __reduce__(self) -> tuple[Callable[[Path, str | None], Any], tuple[Path, str | None]]:
        return _pixels, (self._path, self._axes)


def _pixels(path: Path, axes: str | None) -> Any:
    return open_tiff(path, axes).pixels


def open_tiff(path: Path, axes: str | None = None) -> LazyImage:
    """Open a TIFF's first image; its pixels are read where they are sliced.

    They equal the pixels that `tiff_reader.read_tiff` returns.

    Parameters
    ----------
    path : Path
        The file.
    axes : str, optional
        One letter per axis; the axes then keep their stored order. By default, the axes that the
        file names, with colour moved to the end.

    Raises
    ------
    FileError
        If the file is damaged, truncated or inconsistent, has unsupported colours, refers to files
        outside its folder, or can only be read whole.
    """
    heard: list[str] = []
    with opened(path, heard) as chosen:
        details = tiff_details.stored_details(chosen)
        meaning, stored = meaning_of(chosen, details), StoredPixels(chosen)
        shown = ShownPixels(stored, meaning, axes)
        kept = tiff_details.shown_details(details, shown.probe, meaning.orientation)
        letters = shown.found.axes
        count = dict(zip(letters, shown.shape, strict=False)).get("C", 1)
        places = places_of(tiff_details.kind_of(chosen.file), kept, _density(meaning, details))
        for letter, origin in origins_in(meaning.page.tags.valueof(TAG)).items():
            places[letter] = replace(places.get(letter, Axis()), origin=origin)
        return LazyImage(
            TiffPixels(path, axes, shown),
            letters,
            identity_of(path, shown.shape, shown.dtype, stored.paths),
            places={letter: place for letter, place in places.items() if letter in letters},
            channels=channels_of(tiff_details.kind_of(chosen.file), kept, count),
            name=str(kept.get("Name") or path.stem),
            significant_bits=shown.probe.significant_bits,
            white_is_zero=shown.probe.photometric == "MINISWHITE",
            associated=shown.found.alpha == "assocalpha",
            chunks=shown.chunks,
            details={**kept, **_other(meaning.page)},
            notes=tuple(dict.fromkeys(_notes(chosen, shown, heard))),
        )


def check_no_part(result: Path, source: Path) -> None:
    """Check that a result does not replace any of the files of its source.

    Parameters
    ----------
    result : Path
        The file to write.
    source : Path
        The image to upscale, in any format.

    Raises
    ------
    FileError
        If the result would replace one of them.
    """
    if not result.is_file():
        return
    try:
        parts = open_tiff(source).identity.get("parts", ()) if is_tiff(source) else ()
    except FileError:
        return  # reading the source will report what is wrong
    for part in parts:
        check_apart(result, Path(part["path"]))


def _density(meaning: Meaning, details: dict[str, Any]) -> Any:
    density = density_of(details) or tiff_details.density_of_tags(meaning.page, details)
    return upright_density(density, meaning.orientation)


def _other(page: Any) -> dict[str, Any]:
    """Return the tags that a result keeps, and the colour profile."""
    found = {TAGS: kept_tags(page), PROFILE: page.tags.valueof("InterColorProfile")}
    return {name: value for name, value in found.items() if value}


def _notes(chosen: Chosen, shown: ShownPixels, heard: list[str]) -> Iterator[str]:
    yield from (*chosen.notes, *shown.found.notes, *tiff_details.lost(chosen), *notes_of(heard))
    size = math.prod(shown.chunks or (0,)) * shown.dtype.itemsize
    if size > BUDGET:
        yield (
            f"its pixels are compressed in strips or tiles of {in_words(size)}, each decoded as a "
            "whole: a file with smaller tiles can be read faster"
        )
