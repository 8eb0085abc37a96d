"""Blocks of rows make up the image in the order in which a file stores it."""

from __future__ import annotations

import numpy as np
import pytest

from napari_sr.files.scientific import plane_rows
from napari_sr.files.scientific.plane_rows import blocks, count


@pytest.mark.parametrize("bytes_", [1, 100, 10**6])
@pytest.mark.parametrize(
    ("shape", "axes", "order"),
    [
        ((5, 7), "YX", ""), ((3, 5, 7), "ZYX", "Z"), ((2, 3, 5, 7), "ZTYX", "TZ"),
        ((3, 5, 7, 3), "ZYXS", "Z"), ((5, 3, 7), "YZX", "Z"),
    ],
)  # fmt: skip
def test_they_are_the_pixels_in_order(random, monkeypatch, bytes_, shape, axes, order):
    monkeypatch.setattr(plane_rows, "BYTES", bytes_)
    whole = random.integers(0, 250, shape).astype(np.uint16)
    last = "YXS" if "S" in axes else "YX"
    stored = np.transpose(whole, [axes.index(letter) for letter in order + last])

    found = list(blocks(whole, axes, order))

    assert len(found) == count(whole, axes, order)
    assert b"".join(block.tobytes() for block in found) == stored.tobytes()
    assert all(block.nbytes <= max(bytes_, block[:1].nbytes) for block in found)
