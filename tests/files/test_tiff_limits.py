"""A TIFF is refused if it claims more pixels than it stores or than fit into memory."""

from __future__ import annotations

import struct

import numpy as np
import psutil
import pytest
import tifffile

from napari_sr.files.image import FileError
from napari_sr.files.tiff_reader import read_tiff


@pytest.fixture
def path(tmp_path):
    return tmp_path / "a.tif"


def claiming(path, height, width, compression):
    """Change the sizes that a page of a little-endian classic TIFF claims."""
    tifffile.imwrite(path, np.zeros((64, 64), np.uint8), compression=compression, metadata=None)
    content = bytearray(path.read_bytes())
    start = int.from_bytes(content[4:8], "little")
    for at in range(start + 2, len(content) - 12, 12):
        tag = int.from_bytes(content[at : at + 2], "little")
        if tag in (256, 257, 278):
            content[at + 2 : at + 4] = (4).to_bytes(2, "little")
            size = width if tag == 256 else height
            content[at + 8 : at + 12] = size.to_bytes(4, "little")
        if tag == 278:
            break
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("compression", "reason"),
    [
        (None, "but the file ends at byte"),
        ("zlib", "needs 4294967296 bytes"),
        ("lzw", "4294967296"),
    ],
)
def test_more_pixels_than_a_file_can_store_are_refused(path, compression, reason):
    claiming(path, 2**16, 2**16, compression)

    with pytest.raises(FileError, match=reason):
        read_tiff(path)


def test_a_page_without_all_its_strips_is_refused(path):
    pixels = np.zeros((64, 64), np.uint8)
    tifffile.imwrite(path, pixels, compression="zstd", rowsperstrip=16, metadata=None)
    tag = struct.pack("<HHI", 278, 4, 1)
    content = path.read_bytes().replace(tag + bytes([16]), tag + bytes([4]))
    path.write_bytes(content)

    with pytest.raises(FileError, match="needs 16 strips or tiles, but has only 4"):
        read_tiff(path)


def test_pixels_that_do_not_fit_into_memory_are_refused_before(path, monkeypatch):
    tifffile.imwrite(path, np.zeros((64, 64), np.uint8))
    little = psutil.virtual_memory()._replace(available=1000)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: little)

    with pytest.raises(FileError, match=r"shape \(64, 64\) need 0 MiB .* 0 MiB are free"):
        read_tiff(path)


def emptied(path, tiles):
    """Write tiles of 16 pixels a side, and make some of them store nothing."""
    pixels = np.full((32, 32), 7, np.uint8)
    tifffile.imwrite(path, pixels, tile=(16, 16), compression="zlib", metadata=None)
    with tifffile.TiffFile(path, mode="r+") as file:
        for code in (324, 325):
            tag = file.pages.first.tags[code]
            tag.overwrite(
                [0 if number in tiles else value for number, value in enumerate(tag.value)]
            )


def test_empty_tiles_are_told(path):
    emptied(path, (1, 2))

    image = read_tiff(path)

    assert image.notes == ("2 of its 4 strips or tiles are empty: they are read as 0",)
    assert image.pixels[::16, ::16].tolist() == [[7, 0], [0, 7]]
