"""Windows of a TIFF's displayed pixels: upright, black at zero, colour on the last axis.

The functions that convert a whole image also convert a window. To learn how they reorder axes, they
first convert a small image, the probe, whose axes all differ in length.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_sr.files.image import FileError
from napari_sr.files.orientation import upright
from napari_sr.files.samples import is_associated

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_sr.files.photometric import Shown
    from napari_sr.files.tiff_values import Meaning
    from napari_sr.files.tiff_windows import StoredPixels
    from napari_sr.files.windows import Window


class ShownPixels:
    """The displayed pixels of a TIFF, read window by window.

    Parameters
    ----------
    stored : StoredPixels
        The stored pixels.
    meaning : Meaning
        The meaning of the stored values.
    axes : str, optional
        One letter per axis, as for `tiff_reader.read_tiff`.

    Raises
    ------
    FileError
        If the image can only be read whole.
    ValueError
        If the axes do not fit the samples.
    """

    def __init__(self, stored: StoredPixels, meaning: Meaning, axes: str | None) -> None:
        self._stored, self._meaning = stored, meaning
        if len(meaning.palettes) > 1 and not stored.numbered:
            raise FileError(f"{stored.paths[0]} is a TIFF of a kind that can only be read whole")
        probe = np.zeros(_probe_shape(meaning.axes, stored.shape), stored.dtype)
        self.probe = meaning.shown(probe, meaning.palettes[:1])
        self.found = meaning.arranged(meaning.upright(self.probe), axes)
        self.dtype = self.found.pixels.dtype.newbyteorder("=")
        self._order = _order(self.probe, self.found.pixels.shape)
        self._flipped = _flipped(meaning.orientation)
        self.shape = self._of_shown(stored.shape)
        self._whole_samples = _needs_all_samples(meaning)

    @property
    def chunks(self) -> tuple[int, ...] | None:
        """Shape of chunks that are decoded as a whole; None if all windows are equally fast."""
        chunks = self._stored.chunks
        return None if chunks is None else self._of_shown(chunks)

    def _of_shown(self, stored: Sequence[int]) -> tuple[int, ...]:
        """Convert lengths of stored axes to lengths of displayed axes; all samples are included."""
        return tuple(
            size if self.probe.axes[axis] == "S" else stored[axis]
            for axis, size in zip(self._order, self.found.pixels.shape, strict=True)
        )

    def read(self, window: Window) -> NDArray[Any]:
        """Read a window.

        Parameters
        ----------
        window : tuple of slice
            One slice for each displayed axis, with start and stop within the array; not empty.

        Raises
        ------
        FileError
            If the file has changed since it was opened.
        ValueError, OSError and others
            If the file is damaged, cannot be read, or has values above its declared bits; see
            `tiff_series.UNREADABLE`.
        """
        wanted = dict(zip(self._order, window, strict=True))
        part = tuple(self._in_file(axis, wanted[axis]) for axis in range(len(self._meaning.axes)))
        palettes = self._meaning.palettes
        if len(palettes) > 1:
            palettes = tuple(palettes[number] for number in self._stored.pages_of(part))
        shown = self._meaning.shown(self._stored.read(part), palettes)
        self._check_bits(shown)
        turned = tuple(axis for axis, letter in enumerate(shown.axes) if letter in self._flipped)
        pixels = np.transpose(np.flip(shown.pixels, turned), self._order)
        if self.found.grey_alpha:
            pixels = pixels[..., [0, 0, 0, 1]]
        if "S" in shown.axes and self._whole_samples:
            at = self._order.index(shown.axes.index("S"))
            pixels = pixels[(slice(None),) * at + (window[at],)]
        return np.ascontiguousarray(pixels, self.dtype)

    def _in_file(self, axis: int, part: slice) -> slice:
        """Return the part of a stored axis that is displayed as `part`."""
        letter, size = self._meaning.axes[axis], self._stored.shape[axis]
        if letter == "S" and self._whole_samples:
            return slice(0, size)
        return slice(size - part.stop, size - part.start) if letter in self._flipped else part

    def _check_bits(self, shown: Shown) -> None:
        """Raise an error if a value exceeds white, the largest value of the declared bits."""
        bits = self.probe.significant_bits
        if shown.significant_bits != bits:
            raise ValueError(
                f"it declares {bits} bits, but a value is {shown.pixels.max()}: correct "
                "the number of bits in the file"
            )


def _probe_shape(axes: str, shape: Sequence[int]) -> tuple[int, ...]:
    """Return a small shape whose axes differ in length from each other, and from 3 and 4."""
    samples = {size for letter, size in zip(axes, shape, strict=True) if letter == "S"}
    free = (size for size in itertools.count(2) if size not in {3, 4, *samples})
    return tuple(
        size if letter == "S" else next(free) for letter, size in zip(axes, shape, strict=True)
    )


def _order(shown: Shown, shape: Sequence[int]) -> tuple[int, ...]:
    """Return the stored axis of each displayed axis, recognised by its length."""
    lengths = {
        size: axis
        for axis, (letter, size) in enumerate(zip(shown.axes, shown.pixels.shape, strict=True))
        if letter != "S"
    }
    return tuple(lengths.get(size, shown.axes.find("S")) for size in shape)


def _flipped(orientation: object) -> str:
    """Return the letters of the stored axes that are displayed backwards."""
    letters = {3: "Y", 1: "X"}  # keys: the strides of an array of bytes of shape (2, 3)
    steps = upright(np.zeros((2, 3), np.uint8), orientation).strides
    return "".join(letters[-step] for step in steps if step < 0)


def _needs_all_samples(meaning: Meaning) -> bool:
    """Return whether reading or converting a window needs all samples of its pixels."""
    colours = 3 if meaning.photometric == "RGB" else 1
    separate = "S" in meaning.axes[:-1]
    plain = meaning.photometric in ("MINISBLACK", "RGB") and not is_associated(
        meaning.page, colours
    )
    return not (separate and plain and len(meaning.page.extrasamples) != 1)
