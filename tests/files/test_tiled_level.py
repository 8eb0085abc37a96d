"""Tiles come in the order of TIFF, from few and small windows."""

from __future__ import annotations

import numpy as np
import pytest

from napari_sr.files import tiled_level
from napari_sr.files.tiled_level import Level


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    monkeypatch.setattr(tiled_level, "TILE", 4)
    monkeypatch.setattr(tiled_level, "READ", 100)


@pytest.mark.parametrize(
    ("shape", "axes", "samples"),
    [
        ((9, 10), "YX", ""), ((2, 3, 5, 6), "TZYX", ""), ((3, 5, 6), "CYX", "C"),
        ((2, 3, 5, 6), "TCYX", "C"), ((5, 6, 4), "YXS", "S"), ((5, 2, 6), "YZX", ""),
    ],
)  # fmt: skip
def test_tiles_make_up_every_plane(random, shape, axes, samples):
    whole = random.integers(0, 9, shape).astype(np.uint16)
    level = Level(whole, axes, samples)
    stored = np.transpose(whole, [axes.index(letter) for letter in level.looped + "YX" + samples])

    tiles = list(level.tiles())

    assert len(tiles) == level.count
    assert level.shape == stored.shape
    assert level.nbytes == whole.nbytes
    height, width = level.length("YX")
    planes = stored.reshape(-1, *stored.shape[len(level.looped) :])
    expected = [
        plane[top : top + 4, left : left + 4]
        for plane in planes
        for top in range(0, height, 4)
        for left in range(0, width, 4)
    ]
    for tile, part in zip(tiles, expected, strict=True):
        np.testing.assert_array_equal(tile, part)


def test_at_most_a_row_of_tiles_is_read_at_once():
    class Counted:
        shape, dtype, read = (8, 40), np.dtype("u2"), []

        def __getitem__(self, index):
            block = np.zeros(self.shape, self.dtype)[index]
            self.read.append(block.shape)
            return block

    list(Level(Counted(), "YX", "").tiles())

    assert set(Counted.read) == {(4, 12), (4, 4)}  # 96 bytes
