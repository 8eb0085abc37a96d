"""What tiles read of a plane that lies in some way, and where their results end up."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from fakes import Nearest

from napari_sr.engine.execution.context import RunContext
from napari_sr.engine.execution.plane_output import OrientedPlane, PlaneOutput
from napari_sr.engine.execution.tile import UntrustedError
from napari_sr.engine.image.arrays import ValueRange, layout_of
from napari_sr.engine.image.guards import Diagnostics
from napari_sr.engine.image.orientation import ALL_VIEWS, AS_IT_IS, Orientation


def job_of(pixels, outliers="clip"):
    layout = layout_of(pixels.shape, pixels.dtype)
    larger = layout.enlarged(2)
    output = np.full(larger.shape, -1, pixels.dtype)
    values = ValueRange(0.0, 100.0)
    return RunContext(Nearest(), layout, output, larger, values, "auto", outliers, Diagnostics())


def sheet_of(pixels, view=AS_IT_IS[0], size=None, **options):
    run_context = job_of(pixels, **options)
    plane_output = PlaneOutput(run_context, (), pixels, AS_IT_IS)
    laid = pixels.shape[:2][::-1] if view.swapped else pixels.shape[:2]
    return run_context, plane_output, OrientedPlane(plane_output, view, 1, size or laid)


def large_of(block):
    return block.repeat_interleave(2, -1).repeat_interleave(2, -2)


@pytest.fixture
def pixels(random):
    return (random.random((5, 7)) * 100).astype(np.float32)


def test_a_tile_reads_its_values_between_black_and_white(pixels):
    _, _, oriented = sheet_of(pixels)

    block = oriented.read(slice(1, 3), slice(2, 7))

    assert (block.shape, block.dtype) == ((1, 1, 2, 5), torch.float32)
    np.testing.assert_allclose(block[0, 0], pixels[1:3, 2:7] / 100, rtol=1e-6)


@pytest.mark.parametrize("view", ALL_VIEWS, ids=str)
def test_tiles_of_a_plane_that_lies_otherwise_end_up_in_their_places(view, pixels):
    run_context, _, oriented = sheet_of(pixels, view)
    height, width = (7, 5) if view.swapped else (5, 7)

    for rows in (slice(0, 3), slice(3, height)):
        for columns in (slice(0, 2), slice(2, width)):
            oriented.write(rows, columns, large_of(oriented.read(rows, columns)), True)

    np.testing.assert_allclose(run_context.output, pixels.repeat(2, 0).repeat(2, 1), rtol=1e-6)


def test_what_reflection_added_is_not_written(pixels):
    run_context, _, oriented = sheet_of(pixels, Orientation(upended=True), size=(8, 12))
    rows, columns, beyond = slice(0, 8), slice(0, 12), slice(7, 12)

    oriented.write(rows, columns, large_of(oriented.read(rows, columns)), True)
    oriented.write(rows, beyond, torch.full((1, 1, 16, 10), 9.0), True)

    np.testing.assert_allclose(run_context.output, pixels.repeat(2, 0).repeat(2, 1), rtol=1e-6)
    assert run_context.diagnostics.outliers == 0


def test_nothing_is_written_before_the_last_view_has_come(pixels):
    run_context = job_of(pixels)
    plane_output = PlaneOutput(run_context, (), pixels, ALL_VIEWS)
    rows, columns = slice(0, 5), slice(0, 7)
    levels = [torch.full((1, 1, 10, 14), 0.01 * number) for number in range(1, 9)]

    for number, level in enumerate(levels[:7], start=1):
        plane_output.put(number, rows, columns, level)
    before = run_context.output.copy()
    plane_output.put(8, rows, columns, levels[7])
    plane_output.close()

    assert (before == -1).all()
    np.testing.assert_allclose(run_context.output, 4.5, rtol=1e-6)


def test_what_half_precision_made_impossible_is_not_written_but_asked_for_again(pixels):
    run_context, plane_output, oriented = sheet_of(pixels)
    rows, columns = slice(0, 5), slice(2, 4)
    large = large_of(oriented.read(rows, columns))

    with pytest.raises(UntrustedError, match="y=0, x=2"):
        oriented.write(rows, columns, large * torch.inf, False)
    untouched = (run_context.output == -1).all()
    oriented.write(rows, columns, large, True)

    assert untouched
    assert run_context.diagnostics.recomputed == 1
    assert plane_output.notes == [
        "half precision failed in the tile at y=0, x=2, which was computed in float32"
    ]


def test_gaps_are_written_as_gaps(pixels):
    pixels[1, 3] = np.nan
    run_context, _, oriented = sheet_of(pixels)
    rows, columns = slice(0, 5), slice(0, 7)

    block = oriented.read(rows, columns)
    oriented.write(rows, columns, large_of(block), True)

    assert torch.isfinite(block).all()
    assert np.argwhere(np.isnan(run_context.output)).tolist() == [[2, 6], [2, 7], [3, 6], [3, 7]]
    assert run_context.diagnostics.masked == 1


def test_values_beyond_black_and_white_are_counted_without_gaps_and_alpha():
    pixels = np.full((2, 3, 4), 50.0)
    pixels[0, 0], pixels[1, 1, :2], pixels[1, 2, 3] = np.nan, (-1, 101), 400

    run_context, _, _ = sheet_of(pixels)
    empty, _, _ = sheet_of(np.full((2, 3), np.nan))

    pixels[1, 0] = (-5, -5, -5, 0)  # fully transparent
    hidden, _, _ = sheet_of(pixels)

    assert (run_context.diagnostics.values, run_context.diagnostics.beyond) == (2 * 3 * 3, 2)
    assert (hidden.diagnostics.values, hidden.diagnostics.lowest) == (5 * 3, -1)
    assert (run_context.diagnostics.lowest, run_context.diagnostics.highest) == (-1, 101)
    assert empty.diagnostics.values == 0
