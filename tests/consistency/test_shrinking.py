"""Shrinking against MATLAB's `imresize`, and against a Gaussian filter and binning."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter

from napari_sr.consistency.shrinking import Shrinking, apply
from napari_sr.evaluation._imresize import imresize


def shrink(pixels, shrinking):
    """Return a whole image shrunk."""
    spans = [slice(0, size // shrinking.scale) for size in pixels.shape[:2]]
    for axis, (span, size) in enumerate(zip(spans, pixels.shape, strict=False)):
        needed = shrinking.reach(span)
        missing = -needed.start, needed.stop - size
        pixels = shrinking.extended(pixels, axis, missing, (True, True))
    return apply(pixels, (shrinking, shrinking), tuple(spans))


@given(
    scale=st.integers(2, 8),
    height=st.integers(1, 12),
    width=st.integers(1, 12),
    colours=st.booleans(),
    seed=st.integers(0, 99),
)
def test_bicubic_is_imresize_to_the_borders(scale, height, width, colours, seed):
    shape = (height * scale, width * scale, 3)[: 2 + colours]
    pixels = np.random.default_rng(seed).normal(1000, 300, shape)

    found = shrink(pixels, Shrinking(scale))

    np.testing.assert_allclose(found, imresize(pixels, Fraction(1, scale)), rtol=1e-12)


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("blur", [0.0, 0.25, 1.5, 4.0])
def test_optics_are_a_gaussian_and_binning(random, scale, blur):
    pixels = random.normal(1000, 300, (scale * 21, scale * 30))
    seen = gaussian_filter(pixels, blur, mode="nearest") if blur else pixels

    found = shrink(pixels, Shrinking(scale, blur))

    cells = seen.reshape(21, scale, 30, scale).mean(axis=(1, 3))
    np.testing.assert_allclose(found, cells, rtol=1e-12)


@pytest.mark.parametrize("blur", [None, 0.0, 1.25])
@pytest.mark.parametrize("value", [0.0, 65535.0, 1e12, -3.5])
def test_a_constant_stays_constant(blur, value):
    found = shrink(np.full((24, 36), value), Shrinking(3, blur))

    np.testing.assert_allclose(found, value, rtol=1e-14)


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("after", [True, False])
def test_beyond_a_part_of_an_image_nothing_is_invented(random, before, after):
    shrinking, pixels = Shrinking(2), random.random((20, 16))
    span = shrinking.reach(slice(0, 10))

    wide = shrinking.extended(pixels, 0, (-span.start, span.stop - 20), (before, after))

    assert np.isnan(wide[: -span.start]).all() is np.bool_(not before)
    assert np.isnan(wide[20 - span.start :]).all() is np.bool_(not after)
    np.testing.assert_array_equal(wide[-span.start : 20 - span.start], pixels)


def test_a_reflection_at_a_border_reaches_into_the_unknown():
    shrinking = Shrinking(4)
    span = shrinking.reach(slice(0, 1))

    wide = shrinking.extended(np.ones((4, 4)), 0, (-span.start, span.stop - 4), (True, False))

    assert np.isnan(wide[0]).all()


def test_the_record_says_how():
    assert Shrinking(2).record == {"shrunk": "bicubic"}
    assert Shrinking(2, 1.5).record == {"shrunk": "blurred and binned", "blur": 1.5}
