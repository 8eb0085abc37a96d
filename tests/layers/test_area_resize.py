"""A plane is shrunk to the exact means of its cubic interpolation, in place and in parts."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_sr.layers.area_resize import Shrunk, shrink

RATIOS = [Fraction(6, 5), Fraction(20, 13), Fraction(2), Fraction(216666, 108333), Fraction(7, 3)]


def after(size, ratio):
    return int(size / ratio + Fraction(1, 2))


def shrunk(pixels, ratio):
    axes = tuple(Shrunk(size, ratio) for size in pixels.shape[:2])
    spans = tuple(slice(0, after(size, ratio)) for size in pixels.shape[:2])
    return shrink(pixels, (0, 0), axes, spans)


def cubic(x):
    x = np.abs(x)
    near, far = 1.5 * x**3 - 2.5 * x**2 + 1, -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
    return np.where(x <= 1, near, np.where(x <= 2, far, 0))


def means(values, ratio):
    """Integrate the cubic interpolation of mirrored values by Gauss's rule of five points."""
    points, weights = np.polynomial.legendre.leggauss(5)
    size, ratio = len(values), float(ratio)
    padded = np.pad(values, 8, "symmetric")
    centres = np.arange(-8, size + 8) + 0.5
    found = []
    for pixel in range(round(size / ratio)):
        left, right = pixel * ratio, (pixel + 1) * ratio
        inner = np.arange(np.ceil(left * 2) / 2, right, 0.5)
        edges = np.unique([left, *inner, right])
        total = 0.0
        for start, stop in pairwise(edges):
            x = (start + stop) / 2 + points * (stop - start) / 2
            curve = (padded * cubic(x[:, None] - centres)).sum(1)
            total += (weights * curve).sum() * (stop - start) / 2
        found.append(total / ratio)
    return np.array(found)


@pytest.mark.parametrize("ratio", RATIOS)
def test_each_pixel_is_the_mean_of_the_curve_over_its_area(ratio, random):
    image = random.random((23, 31))

    found = shrunk(image, ratio)

    rows = np.stack([means(column, ratio) for column in image.T], 1)
    expected = np.stack([means(row, ratio) for row in rows])
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("ratio", RATIOS)
def test_mean_and_flat_images_are_kept(ratio, random):
    size = 10 * ratio.numerator if ratio.numerator < 100 else 108333
    image = random.random((size, 2)).astype(np.float32)
    axes = Shrunk(size, ratio), Shrunk(2, Fraction(1))

    found = shrink(image, (0, 0), axes, (slice(0, after(size, ratio)), slice(0, 2)))
    flat = shrunk(np.full((23, 31), 0.7, np.float32), ratio)

    assert found.mean(dtype=float) == pytest.approx(image.mean(dtype=float), rel=1e-6)
    np.testing.assert_allclose(flat, 0.7, rtol=2e-7)


@given(
    st.fractions(1, 4, max_denominator=50),
    st.integers(1, 60),
    st.integers(0, 59),
    st.integers(1, 9),
)
def test_a_part_equals_that_part_of_the_whole(ratio, size, first, count):
    random = np.random.default_rng(size)
    image = random.random((size, 5)).astype(np.float32)
    image[random.random(image.shape) < 0.05] = np.nan
    last = after(size, ratio)
    first = min(first, max(last - 1, 0))
    span = slice(first, min(first + count, max(last, 1)))
    axes = Shrunk(size, ratio), Shrunk(5, Fraction(1))
    whole = shrink(image, (0, 0), axes, (slice(0, max(last, 1)), slice(0, 5)))

    needed = axes[0].reads(span)
    part = shrink(image[needed], (needed.start, 0), axes, (span, slice(0, 5)))

    np.testing.assert_array_equal(part, whole[span])


def test_missing_values_stay_missing_and_do_not_spread():
    image = np.ones((12, 12, 3), np.float32)
    image[:, 4:8] = np.nan

    found = shrunk(image, Fraction(6, 5))

    gaps = np.isnan(found[0, :, 0])
    assert gaps.tolist() == [False] * 3 + [True] * 4 + [False] * 3
    np.testing.assert_allclose(found[:, ~gaps], 1, rtol=1e-6)
