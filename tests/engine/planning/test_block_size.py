"""Size and margin of blocks, and what a run with them reads."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from fakes import Global, Nearest
from hypothesis import given
from hypothesis import strategies as st

from napari_sr.engine.image.arrays import layout_of
from napari_sr.engine.image.conversion import Extension
from napari_sr.engine.planning.block_size import (
    CONTEXT,
    is_local,
    make_grid,
    margin_of,
    usual_grid,
)
from napari_sr.engine.planning.border import USUAL_WIDTH
from napari_sr.engine.planning.settings import Settings
from napari_sr.engine.planning.tiling import Region
from napari_sr.graph.processing import Processing
from napari_sr.graph.processing_steps import Standardise

CPU = Settings(device="cpu")


def test_the_margin_is_the_receptive_field_or_what_the_user_chose():
    assert margin_of(Nearest(radius=5, multiple=4)) == 8
    assert margin_of(Nearest(radius=5), 2) == 2
    with pytest.raises(ValueError, match="reads the whole image"):
        margin_of(Global())


def test_only_networks_without_global_values_have_blocks_smaller_than_a_plane():
    layout = layout_of((3000, 3000), "uint8")
    for network, count in ((Nearest(radius=1), 9), (Global(), 1)):
        local = is_local(network, 1, torch.float32)

        grid = make_grid(layout, network, local=local)

        assert grid.count == count


@pytest.mark.parametrize(("scale", "side"), [(1, 1024), (2, 1024), (3, 512), (4, 512), (8, 256)])
def test_the_result_of_a_block_has_a_side_of_about_2048(scale, side):
    layout = layout_of((9000, 9000), "uint8")

    grid = make_grid(layout, Nearest(scale=scale), local=True)

    assert (grid.rows, grid.columns) == (side, side)


def test_whole_networks_are_not_cut():
    network = Nearest(radius=1)
    network.whole = True

    assert not is_local(network, 1, torch.float32)


def test_a_run_cuts_planes_only_for_local_networks():
    layout = layout_of((2, 3000, 900), "uint8", "ZYX")
    settings = Settings(device="cpu", halo=7)

    local = usual_grid(layout, Nearest(radius=2), settings)
    whole = usual_grid(layout, Global(), settings)

    assert (local.counts, local.margin) == ((3, 1), 7)
    assert whole.counts == (1, 1)


@given(
    top=st.integers(0, 80),
    height=st.integers(1, 40),
    left=st.integers(0, 70),
    side=st.integers(1, 30),
    multiple=st.integers(1, 4),
    radius=st.integers(0, 6),
)
def test_blocks_cover_the_region_once_with_a_margin(top, height, left, side, multiple, radius):
    region = Region(slice(top, min(top + height, 90)), slice(left, 80))
    network = Nearest(radius=radius, multiple=multiple)
    layout = layout_of((2, 90, 80), "uint8", "ZYX")
    side = side * network.tile_alignment
    grid = usual_grid(layout, network, CPU, (side, side), region)
    seen = np.zeros((2, 90, 80), int)
    placed = np.zeros(grid.enlarged(1).shape, int)

    for block in grid:
        seen[(*block.plane, block.core.rows, block.core.columns)] += 1
        placed[(*block.plane, block.place.rows, block.place.columns)] += 1
        for core, window, length in (
            (block.core.rows, block.window.rows, 90),
            (block.core.columns, block.window.columns, 80),
        ):
            assert 0 <= window.start <= max(core.start - radius, 0)
            assert min(core.stop + radius, length) <= window.stop <= length
            assert window.start % network.tile_alignment == 0

    expected = np.zeros_like(seen)
    expected[:, region.rows, region.columns] = 1
    np.testing.assert_array_equal(seen, expected)
    assert (placed == 1).all()
    assert placed.shape == (2, *region.size)


@pytest.mark.parametrize(
    ("network", "border", "width"),
    [(Nearest(radius=4), "auto", 4), (Global(), "reflect", USUAL_WIDTH), (Global(), "auto", 0)],
    ids=["local", "global", "global, by default"],
)
def test_one_block_reads_the_plane_and_all_that_extends_it(network, border, width):
    grid = usual_grid(layout_of((90, 80), "uint8"), network, replace(CPU, border=border))

    (block,) = grid

    assert grid.border == width
    assert block.extension == Extension.around(width)
    assert grid.reads_plane(block)


def test_a_region_that_misses_a_reflected_pixel_does_not_read_the_plane():
    layout, whole = layout_of((300, 90), "uint8"), replace(CPU, border="reflect")

    def reads(top):
        region = Region(slice(top, 300), slice(0, 90))
        grid = usual_grid(layout, Global(), whole, region=region)
        return grid.reads_plane(grid.block(0))

    assert reads(CONTEXT - USUAL_WIDTH)
    assert not reads(CONTEXT - USUAL_WIDTH + 1)


def test_a_network_of_the_whole_plane_reads_pixels_around_the_region():
    layout = layout_of((500, 600), "uint8")

    grid = usual_grid(layout, Global(), CPU, region=Region(slice(100, 200), slice(10, 50)))

    window = grid.block(0).window
    assert (window.rows.start, window.rows.stop) == (100 - CONTEXT, 200 + CONTEXT)
    assert window.columns.start == 0
    assert grid.count == 1
    assert grid.whole


@pytest.mark.parametrize("gathers", [False, True])
def test_statistics_of_an_author_need_the_whole_plane_also_for_a_region(gathers):
    network = Nearest(scale=2, channels=1)
    network.processing = Processing(1, (Standardise(),) if gathers else ())
    layout = layout_of((400, 300), "float32")
    region = Region(slice(150, 160), slice(200, 210))

    grid = make_grid(layout, network, local=False, region=region)

    assert grid.reads_plane(grid.block(0)) == gathers
