"""The order of axes is found with a small image, for any storage, orientation and names."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile

from napari_sr.files.tiff_details import stored_details
from napari_sr.files.tiff_reader import opened
from napari_sr.files.tiff_shown import ShownPixels
from napari_sr.files.tiff_values import meaning_of
from napari_sr.files.tiff_windows import StoredPixels


def shown(path, pixels, axes=None, **options):
    tifffile.imwrite(path, pixels, **options)
    with opened(path, []) as chosen:
        meaning = meaning_of(chosen, stored_details(chosen))
        return ShownPixels(StoredPixels(chosen), meaning, axes)


@pytest.mark.parametrize("orientation", [1, 3, 6])
def test_a_window_of_bands_reads_one_band(tmp_path, random, orientation, monkeypatch):
    pixels = shown(
        tmp_path / "a.tif", random.integers(0, 9, (200, 5, 7)).astype("u2"),
        photometric="minisblack", planarconfig="separate",
        extratags=[(274, "H", 1, orientation, True)],
    )  # fmt: skip
    seen, read = [], pixels._stored.read
    monkeypatch.setattr(pixels._stored, "read", lambda part: seen.append(part) or read(part))

    assert pixels.found.axes == "CYX"
    pixels.read((slice(3, 4), slice(0, 2), slice(0, 3)))

    assert seen[0][0] == slice(3, 4)


def test_samples_of_3_and_4_are_told_from_axes_of_3_and_4(tmp_path):
    pixels = shown(tmp_path / "a.tif", np.zeros((3, 4, 4, 3), np.uint8), photometric="rgb")

    assert (pixels.found.axes, pixels.shape) == ("QYXS", (3, 4, 4, 3))


def test_axes_of_equal_length_keep_their_order(tmp_path):
    whole = np.arange(4 * 4 * 4).reshape(4, 4, 4).astype(np.uint8)
    pixels = shown(tmp_path / "a.tif", whole, photometric="minisblack", planarconfig="contig")

    got = pixels.read((slice(0, 4),) * 3)

    np.testing.assert_array_equal(got, np.moveaxis(whole, -1, 0))
