"""Runs of pixels in row-major order."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from napari_sr.engine.execution.attention import parts
from napari_sr.engine.planning.tiling import Region


@given(st.integers(1, 9), st.integers(0, 40), st.integers(1, 40))
def test_rectangles_hold_the_pixels_of_a_run_in_their_order(width, start, many):
    plane = torch.arange(90 * width).reshape(90, width)

    found = list(parts(slice(start, start + many), width))

    pixels = torch.cat([plane[part.rows, part.columns].flatten() for part in found])
    assert pixels.tolist() == list(range(start, start + many))
    assert len(found) <= 3


@pytest.mark.parametrize("run", [slice(5, 5), slice(0, 0)])
def test_an_empty_run_has_no_rectangles(run):
    assert list(parts(run, 4)) == []


def test_whole_rows_are_one_rectangle():
    assert list(parts(slice(4, 12), 4)) == [Region(slice(1, 3), slice(0, 4))]
