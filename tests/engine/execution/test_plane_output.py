"""The pixels that tiles read from a plane, and where their results are written."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from fakes import Nearest
from hypothesis import given
from hypothesis import strategies as st

from napari_sr.engine.execution.context import RunContext, UntrustedError
from napari_sr.engine.execution.plane_output import ExtendedPixels, PlaneOutput
from napari_sr.engine.image.arrays import layout_of
from napari_sr.engine.image.conversion import Extension, fill_missing
from napari_sr.engine.image.guards import Diagnostics
from napari_sr.engine.image.plane_values import ValueRange


def filled(pixels):
    return fill_missing(pixels if pixels.ndim == 3 else pixels[..., None])


def output_of(pixels, size=None, outliers="clip"):
    layout = layout_of(pixels.shape, pixels.dtype)
    larger = layout.enlarged(2)
    output = np.full(larger.shape, -1, pixels.dtype)
    values = ValueRange(0.0, 100.0)
    run_context = RunContext(
        Nearest(), layout, output, larger, values, "auto", outliers, Diagnostics()
    )
    return run_context, PlaneOutput(run_context, (), filled(pixels), size or pixels.shape[:2])


def large_of(block):
    return block.repeat_interleave(2, -1).repeat_interleave(2, -2)


@pytest.fixture
def pixels(random):
    return (random.random((5, 7)) * 100).astype(np.float32)


def test_a_tile_reads_values_relative_to_black_and_white(pixels):
    _, plane = output_of(pixels)

    block = plane.read(slice(1, 3), slice(2, 7))

    assert (block.shape, block.dtype) == ((1, 1, 2, 5), torch.float32)
    np.testing.assert_allclose(block[0, 0], pixels[1:3, 2:7] / 100, rtol=1e-6)


def test_tiles_are_written_to_their_places(pixels):
    run_context, plane = output_of(pixels)

    for rows in (slice(0, 3), slice(3, 5)):
        for columns in (slice(0, 2), slice(2, 7)):
            plane.write(rows, columns, large_of(plane.read(rows, columns)), True)

    np.testing.assert_allclose(run_context.output, pixels.repeat(2, 0).repeat(2, 1), rtol=1e-6)


def test_padding_is_not_written(pixels):
    run_context, plane = output_of(pixels, size=(8, 12))
    rows, columns, beyond = slice(0, 8), slice(0, 12), slice(7, 12)

    plane.write(rows, columns, large_of(plane.read(rows, columns)), True)
    plane.write(rows, beyond, torch.full((1, 1, 16, 10), 9.0), True)

    np.testing.assert_allclose(run_context.output, pixels.repeat(2, 0).repeat(2, 1), rtol=1e-6)
    assert run_context.diagnostics.outliers == 0


def test_implausible_results_of_half_precision_are_not_written(pixels):
    run_context, plane = output_of(pixels)
    rows, columns = slice(0, 5), slice(2, 4)
    large = large_of(plane.read(rows, columns))

    with pytest.raises(UntrustedError, match="y=0, x=2"):
        plane.write(rows, columns, large * torch.inf, False)
    untouched = (run_context.output == -1).all()
    plane.write(rows, columns, large, True)

    assert untouched
    assert run_context.diagnostics.recomputed == 1
    assert plane.notes == [
        "half precision failed in the tile at y=0, x=2, so float32 was used there"
    ]


def test_missing_pixels_are_written_as_nan(pixels):
    pixels[1, 3] = np.nan
    run_context, plane = output_of(pixels)
    rows, columns = slice(0, 5), slice(0, 7)

    block = plane.read(rows, columns)
    plane.write(rows, columns, large_of(block), True)

    assert torch.isfinite(block).all()
    assert np.argwhere(np.isnan(run_context.output)).tolist() == [[2, 6], [2, 7], [3, 6], [3, 7]]
    assert run_context.diagnostics.masked == 1


def test_values_beyond_black_and_white_are_counted_without_missing_pixels_and_alpha():
    pixels = np.full((2, 3, 4), 50.0)
    pixels[0, 0], pixels[1, 1, :2], pixels[1, 2, 3] = np.nan, (-1, 101), 400

    run_context, _ = output_of(pixels)
    empty, _ = output_of(np.full((2, 3), np.nan))

    pixels[1, 0] = (-5, -5, -5, 0)  # fully transparent
    hidden, _ = output_of(pixels)

    assert (run_context.diagnostics.values, run_context.diagnostics.beyond) == (2 * 3 * 3, 2)
    assert (hidden.diagnostics.values, hidden.diagnostics.lowest) == (5 * 3, -1)
    assert (run_context.diagnostics.lowest, run_context.diagnostics.highest) == (-1, 101)
    assert empty.diagnostics.values == 0


@given(
    height=st.integers(1, 6),
    width=st.integers(1, 6),
    sides=st.tuples(*[st.integers(0, 9)] * 4),
    more=st.tuples(st.integers(0, 4), st.integers(0, 4)),
)
def test_any_part_is_that_of_numpy_s_pad(height, width, sides, more):
    pixels = np.arange(height * width * 2).reshape(height, width, 2)
    extension = Extension(*sides)
    size = tuple(map(sum, zip(extension.of((height, width)), more, strict=True)))
    top, bottom, left, right = sides
    around = ((top, bottom + more[0]), (left, right + more[1]), (0, 0))
    # padding to a size that the network accepts reflects without repeating the edge
    expected = np.pad(pixels, around, mode="symmetric" if any(sides) else "reflect")

    extended = ExtendedPixels(pixels, extension, size)

    for first in range(min(size)):
        for last in range(first + 1, min(size) + 1):
            rows, columns = slice(first, last), slice(size[1] - last, size[1] - first)
            np.testing.assert_array_equal(extended.read(rows, columns), expected[rows, columns])


def test_pixels_inside_are_not_copied(random):
    pixels = random.random((8, 9, 1))

    inside = ExtendedPixels(pixels, Extension.around(2), (12, 13)).read(slice(2, 10), slice(3, 9))

    assert inside.base is pixels
    np.testing.assert_array_equal(inside, pixels[:, 1:7])


@pytest.mark.parametrize("step", [1, -1])
def test_only_the_part_that_is_read_is_copied(step, random):
    class Guarded(np.ndarray):
        """An array that raises an error if it is copied as a whole."""

        def take(self, *args, **kwargs):
            assert self.shape[0] < 100
            return np.asarray(self).take(*args, **kwargs)

    pixels = random.random((1000, 9, 1))[::step]
    source = ExtendedPixels(pixels.view(Guarded), Extension.around(3), (1006, 15))

    found = source.read(slice(0, 20), slice(0, 15))

    expected = np.pad(pixels, ((3, 3), (3, 3), (0, 0)), mode="symmetric")
    np.testing.assert_array_equal(found, expected[:20])


def test_rows_and_columns_are_counted_from_the_first_pixel(random):
    extended = ExtendedPixels(random.random((8, 9, 1)), Extension(1, 2, 3, 4), (11, 16))

    assert extended.inside(slice(0, 5), slice(3, 16)) == (slice(-1, 4), slice(0, 13))


def test_a_result_is_written_without_what_extends_the_plane(pixels):
    run_context, _ = output_of(pixels)
    extended = filled(pixels)._replace(extension=Extension(1, 2, 3, 4))
    plane = PlaneOutput(run_context, (), extended, (8, 14))

    for rows in (slice(0, 1), slice(1, 7), slice(7, 8)):
        for columns in (slice(0, 6), slice(6, 14)):
            plane.write(rows, columns, large_of(plane.read(rows, columns)), True)

    np.testing.assert_allclose(run_context.output, pixels.repeat(2, 0).repeat(2, 1), rtol=1e-6)
