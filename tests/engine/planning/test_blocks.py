"""Blocks and their numbers, cores and windows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_sr.engine.image.arrays import layout_of
from napari_sr.engine.planning.blocks import BlockGrid


@given(
    height=st.integers(1, 200),
    width=st.integers(1, 200),
    side=st.integers(1, 20),
    margin=st.integers(0, 5),
    multiple=st.integers(1, 4),
    least=st.integers(1, 30),
    border=st.integers(0, 3),
)
def test_cores_cover_every_pixel_once_and_windows_hold_core_and_margin(
    height, width, side, margin, multiple, least, border
):
    side, margin, border = side * multiple, margin * multiple, border * multiple
    layout = layout_of((2, height, width), "uint8", "ZYX")
    grid = BlockGrid(layout, side, side, margin, multiple, least, border=border)
    seen = np.zeros((2, height, width), int)

    for block in grid:
        seen[(*block.plane, block.core.rows, block.core.columns)] += 1
        spans = (
            (block.core.rows, block.window.rows, block.extended.rows, height),
            (block.core.columns, block.window.columns, block.extended.columns, width),
        )
        for core, window, extended, length in spans:
            first, last = -border, length + border
            assert first <= extended.start <= max(core.start - margin, first)
            assert min(core.stop + margin, last) <= extended.stop <= last
            assert extended.start % multiple == 0
            assert extended.stop - extended.start >= min(least, last - first)
            inside = max(extended.start, 0), min(extended.stop, length)
            assert (window.start, window.stop) == inside
        assert block.extension.of(block.window.size) == block.extended.size

    assert (seen == 1).all()


@given(length=st.integers(1, 400), side=st.integers(10, 60), margin=st.integers(0, 9))
def test_windows_of_an_axis_have_few_lengths(length, side, margin):
    grid = BlockGrid(layout_of((length, 30), "uint8"), side, side, margin)

    lengths = {block.window.size[0] for block in grid}

    assert len(lengths) <= 3


@given(
    count=st.integers(2, 9),
    side=st.integers(10, 60),
    margin=st.integers(0, 9),
    border=st.integers(0, 9),
)
def test_windows_of_whole_cores_have_one_length(count, side, margin, border):
    """So a run has one plan, and an engine compiles one shape."""
    layout = layout_of((count * side, 3 * side), "uint8")
    grid = BlockGrid(layout, side, side, margin, border=border)

    assert len({block.extended.size for block in grid if block.core.size == (side, side)}) == 1


def test_blocks_are_numbered_plane_by_plane_and_row_by_row():
    grid = BlockGrid(layout_of((2, 20, 30), "uint8", "TYX"), 10, 10, 0)

    starts = [(b.plane, b.core.rows.start, b.core.columns.start) for b in grid]

    assert starts == sorted(starts)
    assert grid.count == len(starts) == 12
    assert grid.block(7) == list(grid)[7]
    with pytest.raises(IndexError, match=r"numbers from 0 to 11, got 12"):
        grid.block(12)
