"""Area means against sums over every pixel's square."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_sr.files.ome_zarr.area_mean import area_means

LEVELS = 3


def plain_mean(values, level):
    """Return the mean of each square of 2^level pixels, without NaN, one after the other."""
    side = 2**level
    rows, columns = (-(-length // side) for length in values.shape[:2])
    result = np.empty((rows, columns, *values.shape[2:]))
    for row, column in np.ndindex(rows, columns):
        square = values[row * side : (row + 1) * side, column * side : (column + 1) * side]
        known = ~np.isnan(square) if square.dtype.kind == "f" else np.ones(square.shape, bool)
        count = known.sum((0, 1))
        total = np.where(known, square, 0).sum((0, 1), dtype=np.float64)
        result[row, column] = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return result


@given(
    height=st.integers(1, 21),
    width=st.integers(1, 21),
    channels=st.sampled_from([(), (3,), (4,)]),
    seed=st.integers(0, 2**32 - 1),
)
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "uint32"])
def test_integers_are_means_of_their_squares_rounded_half_to_even(
    dtype, height, width, channels, seed
):
    limits = np.iinfo(dtype)
    random = np.random.default_rng(seed)
    shape = (height, width, *channels)
    values = random.integers(limits.min, limits.max, shape, dtype, endpoint=True)

    levels = list(area_means(values, LEVELS))

    assert len(levels) == LEVELS
    for number, level in enumerate(levels, start=1):
        assert level.dtype == values.dtype
        np.testing.assert_array_equal(level, np.rint(plain_mean(values, number)))


@pytest.mark.needs("zarr")
@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
@pytest.mark.parametrize("shape", [(9, 14), (8, 8), (1, 5), (7, 6, 3)], ids=str)
@pytest.mark.parametrize("holes", [0.0, 0.5, 1.0])
def test_nan_does_not_count(random, dtype, shape, holes):
    values = random.normal(size=shape).astype(dtype)
    values[random.random(shape) < holes] = np.nan

    for number, level in enumerate(area_means(values, LEVELS), start=1):
        expected = plain_mean(values, number)
        # sums are float64, and rounded once to the type
        np.testing.assert_allclose(level, expected, rtol=np.finfo(dtype).eps, atol=1e-15)
        assert level.dtype == dtype


def test_halves_round_to_even():
    values = np.array([[0, 1, 1, 2], [0, 1, 1, 2]], np.uint8)  # means of 0.5 and 1.5

    (level,) = area_means(values, 1)

    np.testing.assert_array_equal(level, [[0, 2]])


@pytest.mark.parametrize("dtype", ["uint64", "int64"])
def test_the_largest_integer_does_not_overflow(dtype):
    values = np.full((4, 4), np.iinfo(dtype).max, dtype)

    (level,) = area_means(values, 1)

    # float64 has 53 bits
    assert (level >= np.iinfo(dtype).max - 2**11).all()


def test_the_sums_of_many_levels_do_not_overflow():
    bright = np.full((1024, 1024), 40_000, np.uint16)  # 2^16 * 4^10 needs 36 bits

    assert [set(level.ravel()) for level in area_means(bright, 10)] == [{40_000}] * 10


def test_weights_say_how_many_pixels_a_row_and_a_column_stand_for():
    values = np.array([[0.0, 3.0], [6.0, np.nan]])

    (level,) = area_means(values, 1, (np.array([2.0, 1.0]), np.array([4.0, 2.0])))

    # 8 pixels of 0, 4 of 3, 4 of 6
    np.testing.assert_allclose(level, [[(8 * 0 + 4 * 3 + 4 * 6) / 16]])


def test_a_part_has_the_levels_of_the_whole(random):
    values = random.integers(0, 2**16, (48, 35), np.uint16)

    whole = list(area_means(values, LEVELS))
    part = list(area_means(values[16:32, 8:], LEVELS))

    for number, (level, of_part) in enumerate(zip(whole, part, strict=True), start=1):
        side = 2**number
        np.testing.assert_array_equal(of_part, level[16 // side : 32 // side, 8 // side :])
