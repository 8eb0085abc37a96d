"""Images that do not fit into memory with their results are refused before they are read."""

from __future__ import annotations

import imagecodecs
import numpy as np
import psutil
import pytest
import tifffile

from napari_sr.files import formats, room
from napari_sr.files.image import FileError

BYTES = 2000 * 1000


@pytest.fixture
def free(monkeypatch):
    """Return what sets the bytes of memory that are free."""

    def set_free(size):
        memory = type("Memory", (), {"available": size})
        monkeypatch.setattr(psutil, "virtual_memory", lambda: memory)

    return set_free


@pytest.fixture(params=["plain.tif", "packed.tif", "image.png", "image.jpg"])
def path(request, tmp_path):
    """Return an image of 2 million pixels of a byte each."""
    image, path = np.zeros((1000, 2000), np.uint8), tmp_path / request.param
    if path.suffix == ".tif":
        packed = "deflate" if path.stem == "packed" else None
        tifffile.imwrite(path, image, compression=packed)
    else:
        encode = imagecodecs.png_encode if path.suffix == ".png" else imagecodecs.jpeg_encode
        path.write_bytes(encode(image))
    return path


def test_room_for_the_image_alone_is_not_enough_for_its_result(path, free):
    free(3 * BYTES)  # a JPEG takes twice its pixels

    assert formats.read(path).pixels.shape == (1000, 2000)
    with room.for_result(2), pytest.raises(FileError, match=r"MiB more, but only 6 MiB are free"):
        formats.read(path)


def test_room_for_both_is_enough(path, free):
    free(2 * BYTES * (1 + 2**2))

    with room.for_result(2):
        assert formats.read(path).pixels.shape == (1000, 2000)


def test_sizes_are_told_in_the_unit_that_fits():
    assert [room.in_words(size) for size in (0, 3 * 2**20, 3 * 2**29)] == [
        "0 MiB",
        "3 MiB",
        "1.5 GiB",
    ]
