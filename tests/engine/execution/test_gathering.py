"""Runs of pixels in row-major order, and moments of tiles."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from napari_sr.engine.execution.gathering import MomentsOfTiles, parts
from napari_sr.engine.planning.tiling import Region
from sr_kernels.plane_moments import plane_moments


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


def test_merged_moments_of_tiles_are_those_of_the_plane():
    torch.manual_seed(0)
    plane = torch.randn(1, 3, 20, 30, dtype=torch.float64) + 5
    collected = MomentsOfTiles(10)

    for tile in (plane[..., :7, :], plane[..., 7:7, :], plane[..., 7:, :4], plane[..., 7:, 4:]):
        count = tile.shape[2] * tile.shape[3]
        collected.add(count, *(plane_moments(tile) if count else (tile, tile)))

    count, mean, deviations = collected.merged()
    assert count == 600
    torch.testing.assert_close(mean, plane.mean((2, 3), True))
    torch.testing.assert_close(deviations, plane.var((2, 3), correction=0, keepdim=True) * 600)


def test_later_changes_of_a_tile_s_tensors_do_not_matter():
    collected = MomentsOfTiles(2)
    mean, deviations = torch.ones(1, 1, 1, 1), torch.zeros(1, 1, 1, 1)

    collected.add(4, mean, deviations)
    mean.fill_(9)

    assert collected.merged()[1].item() == 1


def test_no_tile_at_all_is_refused():
    with pytest.raises(ValueError, match="at least one part"):
        MomentsOfTiles(3).merged()
