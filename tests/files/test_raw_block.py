"""Windows of uncompressed pixels are read with few bytes around them."""

from __future__ import annotations

import io

import numpy as np
import pytest

from napari_sr.files.raw_block import fill, read_block

SHAPE = (3, 4, 5, 2)


@pytest.mark.parametrize("dtype", ["<u2", ">f4", "u1"])
def test_every_window_is_that_of_the_array(random, dtype):
    whole = random.integers(0, 200, SHAPE).astype(dtype)
    file = io.BytesIO(b"head" + whole.tobytes() + b"tail")

    for _ in range(100):
        starts = [int(random.integers(0, size)) for size in SHAPE]
        window = tuple(
            slice(start, int(random.integers(start + 1, size + 1)))
            for start, size in zip(starts, SHAPE, strict=True)
        )
        block = read_block(file, 4, SHAPE, window, np.dtype(dtype))
        np.testing.assert_array_equal(block, whole[window])


def test_rows_of_whole_width_are_read_at_once():
    class Counted(io.BytesIO):
        reads = 0

        def readinto(self, buffer):
            Counted.reads += 1
            return super().readinto(buffer)

    file = Counted(bytes(24))

    read_block(file, 0, (4, 6), (slice(1, 4), slice(0, 6)), np.dtype("u1"))

    assert Counted.reads == 1


def test_a_short_read_goes_on_and_an_end_is_told():
    class Slow(io.BytesIO):
        def readinto(self, buffer):
            return super().readinto(memoryview(buffer)[:2])

    content = bytearray(5)
    fill(Slow(b"12345"), memoryview(content))

    assert content == b"12345"
    with pytest.raises(EOFError, match="is 2 bytes too short"):
        fill(Slow(b"123"), memoryview(content))
