"""Differences of a source and its result, part by part."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter

from napari_sr.consistency.pair import pair_of
from napari_sr.evaluation._imresize import imresize


def whole(pair):
    return pair.difference((), slice(0, pair.layout.height), slice(0, pair.layout.width))[0]


@given(
    scale=st.integers(2, 4),
    optics=st.booleans(),
    top=st.integers(0, 19),
    height=st.integers(1, 20),
    left=st.integers(0, 19),
    width=st.integers(1, 20),
)
def test_any_part_equals_that_of_the_whole(scale, optics, top, height, left, width):
    random = np.random.default_rng(scale)
    source, result = random.random((20, 20)), random.random((20 * scale, 20 * scale))
    optics = optics and scale == 2
    pair = pair_of(source, result, "microscope" if optics else None, axes="YX")
    rows, columns = slice(top, min(top + height, 20)), slice(left, min(left + width, 20))

    found, seen = pair.difference((), rows, columns)

    np.testing.assert_array_equal(found, whole(pair)[rows, columns])
    np.testing.assert_array_equal(seen, source[rows, columns])


@given(
    top=st.integers(0, 24),
    height=st.integers(1, 24),
    left=st.integers(0, 24),
    width=st.integers(1, 24),
    scale=st.integers(2, 3),
)
def test_a_region_has_the_differences_of_the_whole_or_none(top, height, left, width, scale):
    random = np.random.default_rng(1)
    source, result = random.random((24, 24)), random.random((24 * scale, 24 * scale))
    rows = min(top, 23), min(top + height, 24)
    columns = min(left, 23), min(left + width, 24)
    larger = result[scale * rows[0] : scale * rows[1], scale * columns[0] : scale * columns[1]]

    part = whole(pair_of(source, larger, axes="YX", spans=(rows, columns)))

    known = whole(pair_of(source, result, axes="YX"))[slice(*rows), slice(*columns)]
    seen = np.isfinite(part)
    np.testing.assert_array_equal(part[seen], known[seen])
    # two pixels at inner borders depend on what was not computed; none at those of the image
    inner = [slice(2 * (a > 0), (b - a) - 2 * (b < 24)) for a, b in (rows, columns)]
    expected = np.zeros(part.shape, bool)
    if all(span.stop > span.start for span in inner):
        expected[tuple(inner)] = True
    np.testing.assert_array_equal(seen, expected)


@pytest.mark.parametrize("blur", [0.0, 0.5, 1.0, 1.75, 2.5, 3.25, 4.0])
def test_the_blur_of_optics_is_found(random, blur):
    sharp = gaussian_filter(random.random((300, 260)), 1.2)
    seen = gaussian_filter(sharp, blur, mode="nearest") if blur else sharp
    source = seen.reshape(150, 2, 130, 2).mean(axis=(1, 3))

    pair = pair_of(source, sharp, "microscope")

    assert pair.shrinking.blur == blur
    np.testing.assert_allclose(whole(pair), 0, atol=1e-12)


@pytest.mark.parametrize(
    "pixels",
    [
        np.full((40, 40), 4095, np.uint16),  # 12 bits, saturated
        np.full((40, 40), -32768, np.int16),
        np.indices((40, 40)).sum(0).astype(np.uint8) % 2 * 255,  # a checkerboard
        np.pad(np.full((1, 1), 65535, np.uint16), 20)[:40, :40],  # an impulse
        np.full((40, 40), np.iinfo(np.uint32).max, np.uint32),
    ],
    ids=["saturated", "signed", "checkerboard", "impulse", "wide"],
)
def test_integers_neither_wrap_nor_overflow(pixels):
    larger = pixels.repeat(2, 0).repeat(2, 1)

    found = whole(pair_of(pixels, larger))

    seen = imresize(larger.astype(float), Fraction(1, 2)) - pixels.astype(float)
    largest = float(np.abs(pixels.astype(float)).max() or 1)
    np.testing.assert_allclose(found, seen, atol=1e-9 * largest)


def test_missing_pixels_are_missing_around_them_only(random):
    source = random.random((30, 30))
    result = source.repeat(2, 0).repeat(2, 1)
    source[10, 10] = result[40, 40] = np.nan

    found = np.isnan(whole(pair_of(source, result)))

    assert found[10, 10]
    assert found[18:22, 18:22].any()
    found[10, 10] = found[18:23, 18:23] = False
    assert not found.any()
