"""Only the strips or tiles that a window touches are decoded, and few of them are kept."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile

from napari_sr.files import decoded_pieces
from napari_sr.files.image import FileError
from napari_sr.files.tiff_reader import opened
from napari_sr.files.tiff_windows import StoredPixels


@pytest.fixture
def path(tmp_path):
    return tmp_path / "a.tif"


def stored(path, pixels, **options):
    tifffile.imwrite(path, pixels, photometric="minisblack", **options)
    with opened(path, []) as chosen:
        return StoredPixels(chosen)


def counting(pixels):
    """Count the decoded pieces from now on."""
    seen, decode = [], pixels._decode

    def counted(content, index, **options):
        seen.append(index)
        return decode(content, index, **options)

    pixels._decode = counted
    return seen


def window(*parts):
    return tuple(slice(*part) for part in parts)


def test_touched_tiles_are_decoded_once(path, random):
    whole = random.integers(0, 250, (64, 80)).astype(np.uint16)
    pixels = stored(path, whole, tile=(16, 16), compression="zlib")
    seen = counting(pixels)

    np.testing.assert_array_equal(pixels.read(window((10, 20), (30, 40))), whole[10:20, 30:40])
    assert seen == [1, 2, 6, 7]
    pixels.read(window((15, 33), (32, 33)))
    assert seen == [1, 2, 6, 7, 12]


def test_no_more_than_the_budget_is_kept(path, random, monkeypatch):
    monkeypatch.setattr(decoded_pieces, "BUDGET", 3 * 512)
    pixels = stored(path, random.integers(0, 9, (64, 16)).astype("u2"), tile=(16, 16),
                    compression="zlib")  # fmt: skip
    seen = counting(pixels)

    pixels.read(window((0, 64), (0, 16)))
    pixels.read(window((16, 64), (0, 16)))
    assert seen == [0, 1, 2, 3]
    pixels.read(window((0, 16), (0, 16)))
    assert seen == [0, 1, 2, 3, 0]


def test_one_piece_is_kept_however_large(path, random, monkeypatch):
    monkeypatch.setattr(decoded_pieces, "BUDGET", 1)
    pixels = stored(path, random.integers(0, 9, (64, 16)).astype("u2"), rowsperstrip=64,
                    compression="zlib")  # fmt: skip
    seen = counting(pixels)

    pixels.read(window((0, 1), (0, 16)))
    pixels.read(window((60, 64), (3, 4)))

    assert seen == [0]


def test_pages_of_a_window_are_numbered_in_their_order(path, random):
    pixels = stored(path, random.integers(0, 9, (2, 3, 8, 9)).astype("u2"), compression="zlib")

    assert pixels.pages_of(window((0, 2), (1, 3), (0, 1), (0, 1))) == [1, 2, 4, 5]
    assert pixels.paths == [path]


def test_a_shape_that_pages_cannot_have_is_read_whole_only(path, random):
    tifffile.imwrite(path, random.integers(0, 9, (6, 16, 16)).astype("u2"), compression="zlib",
                     photometric="minisblack")  # fmt: skip
    with opened(path, []) as chosen:
        series = tifffile.TiffPageSeries(list(chosen.series), (3, 32, 16), np.dtype("u2"), "QYX")
        other = type(chosen)(chosen.file, chosen.source, series)
        with pytest.raises(FileError, match="can only be read whole"):
            StoredPixels(other)
