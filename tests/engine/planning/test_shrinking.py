"""Blocks of a shrunk result cover it once, and read all that they depend on."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from fakes import Nearest
from hypothesis import given
from hypothesis import strategies as st

from napari_sr.engine.image.arrays import layout_of
from napari_sr.engine.planning.block_size import make_grid
from napari_sr.engine.planning.shrinking import Shrinking
from napari_sr.engine.planning.tiling import Region
from napari_sr.zoo.resized import Resized

FACTORS = st.fractions(1, 3, max_denominator=60).filter(lambda factor: factor < 3)


@given(FACTORS, st.integers(1, 300), st.integers(1, 90), st.integers(0, 200), st.booleans())
def test_blocks_cover_the_result_and_read_what_they_need(factor, size, side, start, part):
    network = Resized(Nearest(scale=3, radius=2), factor)
    layout = layout_of((size, 40), np.uint8)
    start = min(start, size - 1) if part else 0
    region = Region(slice(start, size), slice(0, 40)) if part else None
    grid = make_grid(layout, network, local=True, side=(side, side), region=region)
    shrinking = grid.shrinking
    covered = np.zeros(grid.enlarged(3).shape, int)

    for block in grid:
        covered[block.output.rows, block.output.columns] += 1
        needed = shrinking.reads(block.target.rows, size)
        assert block.core.rows.start <= needed.start < needed.stop <= block.core.rows.stop
        assert block.core.is_inside(block.window)

    assert (covered == 1).all()


def test_blocks_of_equal_results_read_equally_many_pixels():
    network = Resized(Nearest(scale=2, radius=3), Fraction(108333, 100000))
    grid = make_grid(layout_of((9000, 50), np.uint8), network, local=True, side=(256, 256))

    sizes = {block.extended.size[0] for block in list(grid)[1:-2]}

    assert len(sizes) == 1
    assert grid.output_sides[0] % 64 == 0


@pytest.mark.parametrize(("kind", "white"), [("uint8", 255), ("int16", 32767), ("float32", 1e9)])
def test_integers_are_rounded_and_clipped(kind, white):
    shrinking = Shrinking(2, Fraction(3, 2))
    core = Region(slice(0, 6), slice(0, 6))
    target = shrinking.target(core)

    enlarged = np.full((12, 12), 1e9, np.float32)
    unrounded, found = shrinking.apply(enlarged, core, (6, 6), target, kind)

    np.testing.assert_allclose(unrounded, 1e9, rtol=1e-6)
    assert found.shape == (9, 9)
    assert found.dtype == kind
    np.testing.assert_allclose(found, white, rtol=1e-6)


def test_only_results_of_another_factor_are_shrunk():
    network = Nearest(scale=2)

    assert Shrinking.of(network) is None
    assert Shrinking.of(Resized(network, 1.5)) == Shrinking(2, Fraction(3, 2))
